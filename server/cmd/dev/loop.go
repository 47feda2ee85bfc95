package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// loop builds what changed and restarts the gateway.
type loop struct {
	root      string // of the tree, absolute
	process   process
	templates *templates
	dirty     reach // since the last build that succeeded
	page      int64 // counts the builds that make pages reload
	style     int   // counts those that change the style sheet alone
}

// touch notes that a file has changed and reports whether that asks for a build.
func (l *loop) touch(path string) bool {
	r := reachOf(path)
	if r&^l.dirty != none {
		say("%s changed", path)
	}
	l.dirty |= r
	if r&markup != 0 {
		l.templates.changed[filepath.FromSlash(path)] = true
	}
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
		{"gateway", gateway, append([]string{"go", "build", "-tags", "dev", "-o", l.process.binary}, append(l.flags(), "./server/cmd/gatehouse")...)},
		// Last, because it takes away the files that the gateway before serves.
		{"client", style | client, []string{"go", "run", "./web/static/build", "-fast"}},
	}
}

// flags are those of the gateway's build. Without what debuggers want, linking takes
// half the time, and without optimizations so does compiling the pages. They keep their
// path in this tree, by which templ finds the files with their text; naming it also
// keeps the build cache from giving them what was compiled in another tree.
func (l *loop) flags() []string {
	return []string{"-ldflags", "-s -w", "-gcflags", fmt.Sprintf("github.com/gatehouse-chat/gatehouse/web/...=-N -l '-trimpath=%[1]s=>%[1]s'", l.root)}
}

// build makes what is dirty and restarts the gateway. When a step fails, the
// gateway that runs goes on, and the next change tries again.
func (l *loop) build(ctx context.Context) {
	began := time.Now()
	if l.dirty&markup != 0 {
		compile, err := l.templates.generate()
		if compile {
			l.dirty |= gateway
		}
		if err != nil {
			say("✗ the pages cannot be generated; what ran before goes on\n%v", err)
			return
		}
	}
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
	l.process.stop()
	if err := errors.Join(l.templates.publish(), l.process.restart(fmt.Sprintf("%d.%d", l.page, l.style))); err != nil {
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
