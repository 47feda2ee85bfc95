package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

// programs are the needs of the chosen parts. They are installed all at once, beside
// parts that have none.
type programs struct {
	ready  chan struct{}
	lacked map[string]error // by the name of a need; written before ready is closed
}

// provide begins to look for, and to install, what the parts need.
func provide(ctx context.Context, out io.Writer, parts []part) *programs {
	p := &programs{ready: make(chan struct{}), lacked: map[string]error{}}
	go func() {
		defer close(p.ready)
		var missing []need
		for _, part := range parts {
			for _, n := range part.needs {
				if _, seen := p.lacked[n.name]; !seen && n.found(ctx) == "" {
					p.lacked[n.name] = fmt.Errorf("%s is missing: install %s", n.name, strings.Join(n.packages, " "))
					missing = append(missing, n)
				}
			}
		}
		if len(missing) == 0 || os.Geteuid() != 0 {
			return
		}
		if _, err := exec.LookPath("apt-get"); err != nil {
			return
		}
		for name, err := range install(ctx, out, missing) {
			p.lacked[name] = errors.Join(p.lacked[name], err)
		}
		for _, n := range missing {
			if n.found(ctx) != "" {
				delete(p.lacked, n.name)
			}
		}
	}()
	return p
}

// lacks waits until everything is installed that can be. Its error says what to
// install for the need.
func (p *programs) lacks(n need) error {
	<-p.ready
	return p.lacked[n.name]
}

// install installs with apt what is missing, in one go, or one by one where some of
// the packages cannot be had. It prints what apt says when that fails, and returns why
// by the names of the needs.
func install(ctx context.Context, out io.Writer, missing []need) map[string]error {
	var said bytes.Buffer
	apt := func(args ...string) error {
		said.Reset()
		j := job{Context: ctx, out: &said}
		if err := j.command(".", []string{"DEBIAN_FRONTEND=noninteractive"}, "apt-get", args...).Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, &said)
		}
		return nil
	}
	get := func(packages ...string) error {
		return apt(append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...)...)
	}
	var all []string
	for _, n := range missing {
		all = append(all, n.packages...)
	}
	fmt.Fprintf(out, "installing what is missing: %s\n", strings.Join(all, " "))
	if err := apt("update", "-q"); err != nil {
		fmt.Fprintln(out, err) // what is known already may do
	}
	if get(all...) == nil {
		return nil
	}
	failed := map[string]error{}
	for _, n := range missing {
		if err := get(n.packages...); err != nil {
			failed[n.name] = err
		}
	}
	return failed
}
