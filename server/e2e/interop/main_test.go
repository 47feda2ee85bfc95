package interop

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain runs all tests at once: most of them wait, which takes no processor.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "200"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
