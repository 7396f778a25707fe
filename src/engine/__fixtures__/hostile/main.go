// SPDX-License-Identifier: Apache-2.0

// Hostile is a build step that tries to get out. Each argument `probe` or `probe=argument` is one attempt;
// for each it prints `probe reached` or `probe refused: why`. It uses no net package, so that it compiles fast.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var probes = map[string]func(string) error{
	"tcp": dialTCP, "abstract": dialAbstract, "vsock": vsock, "read": read, "write": write, "environ": environ, "see": see,
	"signal": sendSignal, "ptrace": ptrace, "open-for-writing": openForWriting, "set-id": setID, "device": device, "whiteout": whiteout,
	"mount": mount, "namespace": namespace, "call": call, "foreign-call": foreignCall, "env": printEnv, "list": list, "links": links,
	"poison": poison, "stay": stay, "bomb": bomb, "memory": memory, "fill": fill, "many": many, "huge": huge, "spin": spin, "sleep": sleep,
	"say": say, "exit": exit, "whoami": whoami, "shared-memory": sharedMemory, "grow": grow,
}

func main() {
	for _, argument := range os.Args[1:] {
		name, value, _ := strings.Cut(argument, "=")
		probe, known := probes[name]
		if !known {
			fmt.Println(argument, "unknown")
			os.Exit(99)
		}
		if err := probe(value); err != nil {
			fmt.Printf("%s refused: %v\n", argument, err)
		} else {
			fmt.Printf("%s reached\n", argument)
		}
	}
}

func dialTCP(port string) error {
	number, _ := strconv.Atoi(port)
	return dial(syscall.AF_INET, &syscall.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}})
}

func dialAbstract(name string) error {
	return dial(syscall.AF_UNIX, &syscall.SockaddrUnix{Name: "@" + name})
}

func dial(family int, address syscall.Sockaddr) error {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return syscall.Connect(fd, address)
}

func vsock(string) error {
	fd, err := syscall.Socket(40, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.Close(fd)
	}
	return err
}

func read(path string) error {
	_, err := os.ReadFile(path)
	return err
}

func write(path string) error { return os.WriteFile(path, []byte("hostile\n"), 0o644) }

func environ(marker string) error {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		if file == fmt.Sprintf("/proc/%d/environ", os.Getpid()) {
			continue
		}
		if content, _ := os.ReadFile(file); bytes.Contains(content, []byte(marker)) {
			return nil
		}
	}
	return fmt.Errorf("not found in %d processes", len(files))
}

func see(marker string) error {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if file == fmt.Sprintf("/proc/%d/cmdline", os.Getpid()) {
			continue
		}
		if content, _ := os.ReadFile(file); bytes.Contains(content, []byte("victim-"+marker)) {
			return nil
		}
	}
	return fmt.Errorf("not found in %d processes", len(files))
}

func sendSignal(pid string) error {
	number, _ := strconv.Atoi(pid)
	return syscall.Kill(number, 0)
}

func ptrace(pid string) error {
	number, _ := strconv.Atoi(pid)
	const seize = 0x4206
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PTRACE, seize, uintptr(number), 0, 0, 0, 0); err != 0 {
		return err
	}
	return nil
}

func openForWriting(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		file.Close()
	}
	return err
}

func setID(path string) error {
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		return err
	}
	if err := syscall.Chmod(path, 0o4755); err == nil {
		return nil
	}
	fd, err := syscall.Open(path+"-new", syscall.O_CREAT|syscall.O_WRONLY, 0o6755)
	if err == nil {
		syscall.Close(fd)
	}
	return err
}

func device(path string) error { return syscall.Mknod(path, syscall.S_IFCHR|0o666, 1<<8|3) }

func whiteout(path string) error { return syscall.Mknod(path, syscall.S_IFCHR|0o666, 0) }

func mount(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount("none", path, "tmpfs", 0, ""); err != nil {
		return err
	}
	return syscall.Unmount(path, syscall.MNT_DETACH)
}

func namespace(string) error {
	attributes := &os.ProcAttr{Sys: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}}
	process, err := os.StartProcess("/proc/self/exe", []string{"hostile"}, attributes)
	if err != nil {
		return err
	}
	_, err = process.Wait()
	return err
}

func call(number string) error {
	nr, _ := strconv.Atoi(number)
	if _, _, err := syscall.RawSyscall6(uintptr(nr), 0, 0, 0, 0, 0, 0); err != 0 {
		return err
	}
	return nil
}

func foreignCall(string) error {
	return call(strconv.Itoa(0x40000000 | 39)) // getpid of the x32 ABI
}

func printEnv(string) error {
	for _, entry := range os.Environ() {
		fmt.Println("env:", entry)
	}
	return nil
}

func list(path string) error {
	entries, err := os.ReadDir(path)
	for _, entry := range entries {
		fmt.Println("list:", filepath.Join(path, entry.Name()))
	}
	return err
}

func links(target string) error {
	os.Symlink(target, "/out/binary")
	os.Symlink(filepath.Dir(target), "/out/folder")
	os.WriteFile("/out/honest", []byte("honest"), 0o600)
	os.Mkdir("/out/closed", 0o700)
	os.WriteFile("/out/closed/inside", []byte("inside"), 0o755)
	os.Chmod("/out/closed", 0)
	return syscall.Mkfifo("/out/pipe", 0o600)
}

func poison(folder string) error {
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.WriteFile(path, []byte("poison"), 0o644)
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "new"), []byte("poison"), 0o644); err != nil {
		return err
	}
	content, _ := os.ReadFile(filepath.Join(folder, "new"))
	fmt.Println("view:", string(content))
	return nil
}

// stay leaves a child behind that has its own session, no open pipes and no ear for signals, and writes for a while.
func stay(path string) error {
	null, _ := os.OpenFile("/dev/null", os.O_RDWR, 0)
	attributes := &os.ProcAttr{Files: []*os.File{null, null, null}, Sys: &syscall.SysProcAttr{Setsid: true}}
	process, err := os.StartProcess("/proc/self/exe", []string{"hostile", "grow=" + path}, attributes)
	if err != nil {
		return err
	}
	for i := 0; i < 500; i++ {
		if facts, err := os.Stat(path); err == nil && facts.Size() > 0 {
			return process.Release()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the child did not write")
}

func grow(path string) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	for i := 0; i < 1000; i++ {
		file.WriteString("x")
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

func bomb(string) error {
	for i := 0; i < 2000; i++ {
		if _, err := os.StartProcess("/proc/self/exe", []string{"hostile", "sleep=30000"}, &os.ProcAttr{}); err != nil {
			fmt.Println("started:", i)
			os.Exit(3)
		}
	}
	return nil
}

var held [][]byte

func memory(string) error {
	for i := 0; i < 1<<14; i++ {
		block := make([]byte, 1<<20)
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1
		}
		held = append(held, block)
	}
	return nil
}

func sharedMemory(string) error {
	for i := 0; i < 64; i++ {
		block, err := syscall.Mmap(-1, 0, 64<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_ANON)
		if err != nil {
			return err
		}
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1
		}
		held = append(held, block)
	}
	return nil
}

func fill(folder string) error {
	block := bytes.Repeat([]byte("x"), 1<<20)
	for i := 0; i < 1<<13; i++ {
		if err := os.WriteFile(filepath.Join(folder, strconv.Itoa(i)), block, 0o644); err != nil {
			fmt.Println("filled:", i)
			return err
		}
	}
	return nil
}

func many(folder string) error {
	for i := 0; i < 1<<20; i++ {
		if err := os.WriteFile(filepath.Join(folder, strconv.Itoa(i)), nil, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func huge(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	block := bytes.Repeat([]byte("x"), 1<<20)
	for i := 0; i < 1<<13; i++ {
		if _, err := file.Write(block); err != nil {
			return err
		}
	}
	return nil
}

func spin(string) error {
	for {
	}
}

func sleep(milliseconds string) error {
	number, _ := strconv.Atoi(milliseconds)
	time.Sleep(time.Duration(number) * time.Millisecond)
	return nil
}

func say(text string) error {
	fmt.Println(text)
	return nil
}

func exit(code string) error {
	number, _ := strconv.Atoi(code)
	os.Exit(number)
	return nil
}

func whoami(string) error {
	host, _ := os.Hostname()
	folder, _ := os.Getwd()
	fmt.Println("whoami:", os.Getuid(), os.Getgid(), host, folder)
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") || strings.HasPrefix(line, "Seccomp:") {
			fmt.Println("status:", strings.Join(strings.Fields(line), " "))
		}
	}
	return nil
}
