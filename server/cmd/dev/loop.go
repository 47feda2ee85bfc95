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
	dirty     reach // changes since the last successful build
	page      int64 // number of builds after which pages reload
	style     int   // number of builds that change the style sheet alone
}

// noteChange notes that a file has changed, and reports whether that needs a build.
func (l *loop) noteChange(path string) bool {
	r := reachOf(path)
	if r&^l.dirty != none {
		printLine("%s changed", path)
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
	when    reach // needed when any of these is dirty
	command []string
}

func (l *loop) steps() []step {
	return []step{
		{"gateway", gateway, append([]string{"go", "build", "-tags", "dev", "-o", l.process.binary},
			append(l.flags(), "./server/cmd/gatehouse")...)},
		// Last, because it removes the files that the running gateway serves.
		{"client", style | client, []string{"go", "run", "./web/static/build", "-fast"}},
	}
}

// flags are the flags of the gateway's build. Without debug information, linking takes
// half the time; without optimizations, compiling the pages does. Pages keep their path
// in this tree, since templ finds the files with their text by it. Naming the path also
// keeps the build cache from using pages that were compiled in another tree.
func (l *loop) flags() []string {
	return []string{"-ldflags", "-s -w", "-gcflags",
		fmt.Sprintf("github.com/gatehouse-chat/gatehouse/web/...=-N -l '-trimpath=%[1]s=>%[1]s'",
			l.root)}
}

// build builds what is dirty and restarts the gateway. When a step fails, the running
// gateway goes on, and the next change tries again.
func (l *loop) build(ctx context.Context) {
	began := time.Now()
	if l.dirty&markup != 0 {
		compile, err := l.templates.generate()
		if compile {
			l.dirty |= gateway
		}
		if err != nil {
			printLine("✗ the pages cannot be generated; the gateway that runs goes on\n%v", err)
			return
		}
	}
	for _, s := range l.steps() {
		if l.dirty&s.when == 0 {
			continue
		}
		command := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		output, err := command.CombinedOutput()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			printLine("✗ the %s cannot be built; the gateway that runs goes on\n%s", s.name,
				bytes.TrimSpace(output))
			return
		}
	}
	l.nextVersion()
	l.dirty = none
	printLine("✓ built in %.1f s", time.Since(began).Seconds())
	l.process.stop()
	if err := errors.Join(l.templates.publish(), l.process.restart(fmt.Sprintf("%d.%d", l.page, l.style))); err != nil {
		printLine("✗ the gateway does not start: %v", err)
	}
}

// nextVersion counts the build.
func (l *loop) nextVersion() {
	if l.dirty == style {
		l.style++
	} else {
		l.page++
	}
}
