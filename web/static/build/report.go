package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
)

// clientName is the compiled client, by far the largest file. The budget limits it.
const clientName = "app.wasm"

// report prints the size of each file. It fails if the module exceeds limit, unless limit is
// nil. If a compressed form is missing, because it would not be smaller, the size of the
// plain file counts: the gateway sends that one instead.
func report(out io.Writer, dist string, assets []asset, limit *budget) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "client\traw\tgzip\tbrotli\t")
	var total [3]int
	var client budget
	for _, a := range assets {
		path := filepath.Join(dist, a.servedName())
		plain := len(a.content)
		sizes := [3]int{plain, size(path+".gz", plain), size(path+".br", plain)}
		for i, bytes := range sizes {
			total[i] += bytes
		}
		if a.name == clientName {
			client = budget{gzip: sizes[1], brotli: sizes[2]}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t\n", a.name,
			kilobytes(sizes[0]), kilobytes(sizes[1]), kilobytes(sizes[2]))
	}
	fmt.Fprintf(table, "together\t%s\t%s\t%s\t\n",
		kilobytes(total[0]), kilobytes(total[1]), kilobytes(total[2]))
	if err := table.Flush(); err != nil {
		return err
	}
	if limit == nil {
		return nil
	}
	return errors.Join(
		exceeds("gzip", client.gzip, limit.gzip),
		exceeds("brotli", client.brotli, limit.brotli),
	)
}

func exceeds(coding string, bytes, limit int) error {
	if bytes <= limit {
		return nil
	}
	return fmt.Errorf("with %s %s weighs %d bytes, %d more than its budget of %d",
		coding, clientName, bytes, bytes-limit, limit)
}

// size returns the size of a file, or other if there is no such file.
func size(path string, other int) int {
	info, err := os.Stat(path)
	if err != nil {
		return other
	}
	return int(info.Size())
}

func kilobytes(n int) string { return fmt.Sprintf("%.1f kB", float64(n)/1000) }
