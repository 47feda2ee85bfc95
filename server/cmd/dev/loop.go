package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// loop builds what changed and restarts the gateway.
type loop struct {
	process process
	dirty   reach // since the last build that succeeded
	page    int64 // counts the builds that make pages reload
	style   int   // counts those that change the style sheet alone
}

// touch notes that a file has changed and reports whether that asks for a build.
func (l *loop) touch(path string) bool {
	r := reachOf(path)
	if r&^l.dirty != none {
		say("%s changed", path)
	}
	l.dirty |= r
	return r != none
}

// step is one command of a build.
type step struct {
	name    string
	when    reach // it is needed when any of these is dirty
	command []string
}

func (l *loop) steps() []step {
	return []step{
		{"pages", markup, []string{"go", "-C", "web", "tool", "templ", "generate"}},
		// Without what debuggers want, linking takes half the time.
		{"gateway", gateway, []string{"go", "build", "-tags", "dev", "-ldflags", "-s -w", "-o", l.process.binary, "./server/cmd/gatehouse"}},
		// Last, because it takes away the files that the gateway before serves.
		{"client", style | client, []string{"go", "run", "./web/static/build", "-fast"}},
	}
}

// build makes what is dirty and restarts the gateway. When a step fails, the
// gateway that runs goes on, and the next change tries again.
func (l *loop) build(ctx context.Context) {
	began := time.Now()
	for _, s := range l.steps() {
		if l.dirty&s.when == 0 {
			continue
		}
		command := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		said, err := command.CombinedOutput()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			say("✗ the %s cannot be built; what ran before goes on\n%s", s.name, bytes.TrimSpace(said))
			return
		}
	}
	l.count()
	l.dirty = none
	say("✓ built in %.1f s", time.Since(began).Seconds())
	if err := l.process.restart(fmt.Sprintf("%d.%d", l.page, l.style)); err != nil {
		say("✗ the gateway does not start: %v", err)
	}
}

// count gives the build its name.
func (l *loop) count() {
	if l.dirty == style {
		l.style++
	} else {
		l.page++
	}
}
