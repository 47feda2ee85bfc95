// Command build makes the files in web/static/dist, which the gateway embeds:
// the client compiled to WebAssembly, Go's glue for it, the loader, the style
// sheet and the icons, each under a name with the hash of its content and
// compressed as far as possible. Run it from the root of the tree:
//
//	go run ./web/static/build
//
// It prints the size of the client, and fails if the client exceeds the budget. It does not
// rewrite files that have not changed.
//
// The client is served without the names of its functions, unless it is built with
// -fast. With -symbols the command builds nothing, but adds the names of functions to
// a stack trace from a browser.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// budget limits the size of the compiled client's download, in bytes. gzip counts too, since
// browsers accept brotli only over TLS.
type budget struct {
	gzip, brotli int
}

var clientBudget = budget{gzip: 730_000, brotli: 545_000}

type options struct {
	root    string // of the tree
	version string // the client sends it when it connects
	fast    bool   // keep function names, compress nothing, check no budget
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "root `directory` of the tree")
	flag.StringVar(&o.version, "version", "devel", "`version` that the client sends when it connects")
	flag.BoolVar(&o.fast, "fast", false,
		"for development: keep names, compress nothing and check no budget")
	symbols := flag.Bool("symbols", false,
		"name the functions in a stack trace, from the arguments or standard input")
	flag.Parse()
	if flag.NArg() > 0 && !*symbols {
		fmt.Fprintf(os.Stderr, "build takes no argument, but got %q\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := build
	if *symbols {
		run = func(ctx context.Context, out io.Writer, o options) error {
			return nameTrace(ctx, out, o, strings.Join(flag.Args(), "\n"))
		}
	}
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "build of the client:", err)
		os.Exit(1)
	}
}

func build(ctx context.Context, out io.Writer, o options) error {
	client, err := compile(ctx, out, o)
	if err != nil {
		return err
	}
	var limit *budget
	if !o.fast {
		client, limit = shrink(out, client)
	}
	assets, err := collect(ctx, client, o)
	if err != nil {
		return err
	}
	dist := filepath.Join(o.root, "web", "static", "dist")
	if err := writeAll(out, dist, assets, o.fast); err != nil {
		return err
	}
	if err := prune(dist, assets); err != nil {
		return err
	}
	if o.fast {
		return nil
	}
	return report(out, dist, assets, limit)
}

// shrink squeezes the client, and returns its budget. If squeeze does not understand the
// module, for example after a change of Go's linker, shrink returns the client as it is and
// no budget.
func shrink(out io.Writer, client []byte) ([]byte, *budget) {
	squeezed, err := squeeze(client)
	if err != nil {
		fmt.Fprintln(out, "→ client: not squeezed, budget not checked: unknown module format:", err)
		return client, nil
	}
	return squeezed, &clientBudget
}

// collect builds or reads the plain content of every file.
func collect(ctx context.Context, client []byte, o options) ([]asset, error) {
	static := filepath.Join(o.root, "web", "static")
	style, err := bundleStyles(filepath.Join(static, "css"))
	if err != nil {
		return nil, err
	}
	exec, err := wasmExec(ctx, o)
	if err != nil {
		return nil, err
	}
	assets := []asset{{clientName, client}, {"wasm_exec.js", exec}, {"app.css", style}}
	icons, err := filepath.Glob(filepath.Join(static, "icons", "*"))
	if err != nil {
		return nil, err
	}
	boot, err := joinScripts(filepath.Join(static, "js"))
	if err != nil {
		return nil, err
	}
	assets = append(assets, asset{"boot.js", boot})
	for _, file := range icons {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		assets = append(assets, asset{filepath.Base(file), content})
	}
	return assets, nil
}

// writeAll writes the files side by side, and returns the first error.
func writeAll(out io.Writer, dist string, assets []asset, fast bool) error {
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	var wait sync.WaitGroup
	errs := make([]error, len(assets))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, a := range assets {
		wait.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			errs[i] = a.write(out, dist, fast)
		})
	}
	wait.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}
