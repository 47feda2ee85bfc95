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

// need is a program that a part needs and that is not in the tree.
type need struct {
	name     string
	commands []string // alternatives
	packages []string // apt packages that have it
	try      []string // arguments with which it runs without effect; nil: --version
}

// compiler is needed by the race detector.
func compiler() need {
	return need{name: "a C compiler", commands: []string{"gcc", "clang"},
		packages: []string{"gcc", "libc6-dev"}}
}

func browser() need {
	return need{name: "Chromium", commands: []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	}, packages: []string{"chromium"}}
}

// foreignPrograms are the clients and proxies of other projects.
func foreignPrograms() []need {
	return []need{
		browser(),
		{name: "Firefox", commands: []string{"firefox-esr", "firefox"},
			packages: []string{"firefox-esr"}},
		{name: "Python's websockets", commands: []string{"/usr/bin/python3", "python3"},
			packages: []string{"python3-websockets"},
			try:      []string{"-c", "import websockets"}},
		{name: "Node.js", commands: []string{"node"}, packages: []string{"nodejs"}},
		{name: "npm", commands: []string{"npm"}, packages: []string{"npm"}},
		{name: "curl", commands: []string{"curl"}, packages: []string{"curl"}},
		{name: "nginx", commands: []string{"nginx", "/usr/sbin/nginx"},
			packages: []string{"nginx-light"}, try: []string{"-v"}},
		{name: "Caddy", commands: []string{"caddy"}, packages: []string{"caddy"},
			try: []string{"version"}},
		{name: "HAProxy", commands: []string{"haproxy", "/usr/sbin/haproxy"},
			packages: []string{"haproxy"}, try: []string{"-v"}},
	}
}

// found returns the path of the first command that runs, or "". A command may exist and
// not run, as the stand-ins for snaps do in a container.
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

// programs are the needs of the chosen parts. They are installed all at once, while parts
// without needs run.
type programs struct {
	ready   chan struct{}
	missing map[string]error // by the name of a need; complete once ready is closed
}

// installMissing begins to look for what the parts need, and to install what is missing.
func installMissing(ctx context.Context, out io.Writer, parts []part) *programs {
	p := &programs{ready: make(chan struct{}), missing: map[string]error{}}
	go func() {
		defer close(p.ready)
		var missing []need
		for _, part := range parts {
			for _, n := range part.needs {
				if _, seen := p.missing[n.name]; !seen && n.found(ctx) == "" {
					p.missing[n.name] = fmt.Errorf("%s is missing: install %s", n.name,
						strings.Join(n.packages, " "))
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
			p.missing[name] = errors.Join(p.missing[name], err)
		}
		for _, n := range missing {
			if n.found(ctx) != "" {
				delete(p.missing, n.name)
			}
		}
	}()
	return p
}

// missingError waits until everything is installed that can be. It returns nil when the
// need is met, or else an error that says what to install.
func (p *programs) missingError(n need) error {
	<-p.ready
	return p.missing[n.name]
}

// install installs with apt what is missing: all packages at once or, if that fails,
// those of one need after another. It prints what apt says when it fails, and returns
// errors by the names of the needs.
func install(ctx context.Context, out io.Writer, missing []need) map[string]error {
	var output bytes.Buffer
	apt := func(args ...string) error {
		output.Reset()
		j := job{Context: ctx, out: &output}
		if err := j.command(".", []string{"DEBIAN_FRONTEND=noninteractive"}, "apt-get", args...).Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, &output)
		}
		return nil
	}
	get := func(packages ...string) error {
		return apt(append([]string{"install", "-q", "-y", "--no-install-recommends"},
			packages...)...)
	}
	var all []string
	for _, n := range missing {
		all = append(all, n.packages...)
	}
	fmt.Fprintf(out, "installing what is missing: %s\n", strings.Join(all, " "))
	if err := apt("update", "-q"); err != nil {
		fmt.Fprintln(out, err) // the lists that apt has may be good enough
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
