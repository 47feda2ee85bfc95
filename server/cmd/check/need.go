package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// need is a program from outside that a part cannot do without.
type need struct {
	name     string
	commands []string // any of them will do
	packages []string // what to install with apt
	try      []string // arguments with which it runs to no effect; nil: --version
}

// compiler is what the race detector needs.
func compiler() need {
	return need{name: "a C compiler", commands: []string{"gcc", "clang"}, packages: []string{"gcc", "libc6-dev"}}
}

func browser() need {
	return need{name: "Chromium", commands: []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	}, packages: []string{"chromium"}}
}

// others are the clients and proxies of other people.
func others() []need {
	return []need{
		browser(),
		{name: "Firefox", commands: []string{"firefox-esr", "firefox"}, packages: []string{"firefox-esr"}},
		{name: "Python's websockets", commands: []string{"/usr/bin/python3", "python3"}, packages: []string{"python3-websockets"},
			try: []string{"-c", "import websockets"}},
		{name: "Node.js", commands: []string{"node"}, packages: []string{"nodejs"}},
		{name: "npm", commands: []string{"npm"}, packages: []string{"npm"}},
		{name: "curl", commands: []string{"curl"}, packages: []string{"curl"}},
		{name: "nginx", commands: []string{"nginx", "/usr/sbin/nginx"}, packages: []string{"nginx-light"}, try: []string{"-v"}},
		{name: "Caddy", commands: []string{"caddy"}, packages: []string{"caddy"}, try: []string{"version"}},
		{name: "HAProxy", commands: []string{"haproxy", "/usr/sbin/haproxy"}, packages: []string{"haproxy"}, try: []string{"-v"}},
	}
}

// found gives the path of the first command that runs, or "". A command can be
// there and yet not run, as the stand-ins for snaps do not in a container.
func (n need) found(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	try := n.try
	if try == nil {
		try = []string{"--version"}
	}
	for _, command := range n.commands {
		path, err := exec.LookPath(command)
		if err == nil && exec.CommandContext(ctx, path, try...).Run() == nil {
			return path
		}
	}
	return ""
}

// ensure finds or installs what is needed. Its error says what to install.
func (n need) ensure(ctx context.Context) error {
	if n.found(ctx) != "" {
		return nil
	}
	missing := fmt.Errorf("%s is missing: install %s", n.name, strings.Join(n.packages, " "))
	if os.Geteuid() != 0 {
		return missing
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return missing
	}
	fmt.Printf("%s is missing: installing %s\n", n.name, strings.Join(n.packages, " "))
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	for _, args := range [][]string{
		{"update", "-q"},
		append([]string{"install", "-q", "-y", "--no-install-recommends"}, n.packages...),
	} {
		if err := command(ctx, ".", env, "apt-get", args...).Run(); err != nil {
			return errors.Join(missing, fmt.Errorf("apt-get %s: %w", args[0], err))
		}
	}
	if n.found(ctx) == "" {
		return fmt.Errorf("%w (apt's did not run)", missing)
	}
	return nil
}
