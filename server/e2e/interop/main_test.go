package interop

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain lets all tests that wait do so at once: they need no processor.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "200"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
