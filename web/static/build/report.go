package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
)

// module is the compiled client, by far the largest file; the budget is its.
const module = "app.wasm"

// report prints what each file weighs, and fails when the module is heavier than
// the budget. A form that does not pay counts as the plain file, which is what
// is sent then.
func report(out io.Writer, dist string, assets []asset, budget int) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "client\traw\tgzip\tbrotli\t")
	var total [3]int
	heavy := 0
	for _, a := range assets {
		path := filepath.Join(dist, a.served())
		weights := [3]int{len(a.content), size(path+".gz", len(a.content)), size(path+".br", len(a.content))}
		for i, weight := range weights {
			total[i] += weight
		}
		if a.name == module {
			heavy = weights[2]
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t\n", a.name, kilobytes(weights[0]), kilobytes(weights[1]), kilobytes(weights[2]))
	}
	fmt.Fprintf(table, "together\t%s\t%s\t%s\t\n", kilobytes(total[0]), kilobytes(total[1]), kilobytes(total[2]))
	if err := table.Flush(); err != nil {
		return err
	}
	if heavy > budget {
		return fmt.Errorf("with brotli %s weighs %d bytes, %d more than its budget of %d", module, heavy, heavy-budget, budget)
	}
	return nil
}

// size gives the size of a file, or other when there is none.
func size(path string, other int) int {
	info, err := os.Stat(path)
	if err != nil {
		return other
	}
	return int(info.Size())
}

func kilobytes(n int) string { return fmt.Sprintf("%.1f kB", float64(n)/1000) }
