// SPDX-License-Identifier: Apache-2.0
// Programs around the code of others, which say how manifests and artifacts must be.

/** Flux's generator of install manifests, and its client of artifacts. */
export const FLUX = `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/flux2/v2/pkg/manifestgen/install"
	"github.com/fluxcd/pkg/oci"
	"github.com/google/go-containerregistry/pkg/crane"
)

// generate OPTIONS FOLDER | push ADDRESS FOLDER SOURCE REVISION | pull ADDRESS FOLDER
func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(command string, args []string) error {
	client := oci.NewClient([]crane.Option{crane.Insecure})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	switch command {
	case "generate":
		options := install.MakeDefaultOptions()
		if err := json.Unmarshal([]byte(args[0]), &options); err != nil {
			return err
		}
		manifest, err := install.Generate(options, args[1])
		if err != nil {
			return err
		}
		fmt.Print(manifest.Content)
	case "push":
		meta := oci.Metadata{Source: args[2], Revision: args[3]}
		_, err := client.Push(ctx, args[0], args[1], oci.WithPushMetadata(meta))
		return err
	case "pull":
		meta, err := client.Pull(ctx, args[0], args[1])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(meta)
	}
	return nil
}
`;

/** Kubernetes' own admission of pods: reads a list of Deployments as JSON, prints each that "restricted" forbids. */
export const POD_SECURITY = `package main

import (
	"encoding/json"
	"fmt"
	"os"

	apps "k8s.io/api/apps/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func main() {
	var deployments []apps.Deployment
	if err := json.NewDecoder(os.Stdin).Decode(&deployments); err != nil {
		panic(err)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, one := range deployments {
		spec := one.Spec.Template
		for _, result := range evaluator.EvaluatePod(level, &spec.ObjectMeta, &spec.Spec) {
			if !result.Allowed {
				fmt.Printf("%s: %s (%s)\\n", one.Name, result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
	}
	fmt.Println(len(deployments), "deployments")
}
`;

/** What the Flux Operator's controller does with a distribution artifact (its internal/controller, fluxinstance_controller.go). */
export const FLUX_OPERATOR = `package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"sigs.k8s.io/yaml"

	"github.com/controlplaneio-fluxcd/flux-operator/internal/builder"
)

// ADDRESS RANGE REGISTRY VARIANT COMPONENTS NAMESPACE
func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	pulled, err := builder.MkdirTempAbs("", "judge-pulled")
	if err != nil {
		return err
	}
	defer os.RemoveAll(pulled)
	work, err := builder.MkdirTempAbs("", "judge-work")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := builder.PullArtifact(ctx, "oci://"+args[0], pulled, authn.DefaultKeychain); err != nil {
		return err
	}
	version, err := builder.MatchVersion(filepath.Join(pulled, "flux"), args[1])
	if err != nil {
		return err
	}
	options := builder.MakeDefaultOptions()
	options.Version = version
	options.Registry = args[2]
	options.Variant = args[3]
	options.Components = strings.Split(args[4], ",")
	options.Namespace = args[5]
	options.Patches += builder.GetProfileClusterType("kubernetes")
	options.Patches += builder.GetProfileClusterSize("")
	if err := options.ValidateAndPatchComponents(); err != nil {
		return err
	}
	images, err := builder.ExtractComponentImagesWithDigest(filepath.Join(pulled, "flux-images"), options)
	if err != nil {
		return err
	}
	options.ComponentImages = images
	result, err := builder.Build(filepath.Join(pulled, "flux", version), work, options)
	if err != nil {
		return err
	}
	for _, object := range result.Objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			return err
		}
		fmt.Printf("---\\n%s", text)
	}
	return nil
}
`;
