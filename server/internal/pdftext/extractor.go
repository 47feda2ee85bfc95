package pdftext

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Limits on one file.
const (
	// Timeout limits the time that is spent on a file.
	Timeout = 10 * time.Second
	// MaxText limits the text, in bytes. The rest of a longer text is left out.
	MaxText = 256 << 10
	// MaxPages limits the pages whose text is read.
	MaxPages = 500
)

// ErrUnreadable says that a file is damaged, needs a password, or exceeds a limit before
// any text was found.
var ErrUnreadable = errors.New("the PDF cannot be read")

// Extractor extracts texts in processes of its own.
type Extractor struct {
	command []string
	timeout time.Duration
}

// New returns an Extractor. command is a program with its arguments that calls [Main].
func New(command ...string) *Extractor { return &Extractor{command, Timeout} }

// Extract returns the text of the PDF, "" if it has none. file must be at its beginning. The
// error is ErrUnreadable, the cause of ctx, or says why no process could be started.
func (e *Extractor) Extract(ctx context.Context, file *os.File) (text string, err error) {
	limited, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	c := exec.CommandContext(limited, e.command[0], e.command[1:]...) // #nosec G204 -- app names it
	c.Stdin, c.Env, c.Dir = file, []string{"GOMAXPROCS=1"}, "/"
	out := &limitedBuffer{}
	c.Stdout = out
	c.WaitDelay = time.Second
	err = c.Start()
	var failed error
	if err == nil {
		failed = c.Wait()
	}
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return "", fmt.Errorf("start the reader of PDFs: %w", err)
	case failed != nil && len(out.text) == 0:
		return "", fmt.Errorf("%w: %w", ErrUnreadable, failed)
	}
	// A file that fails at a later page has the text of the pages before.
	return strings.ToValidUTF8(string(out.text), ""), nil
}

// limitedBuffer keeps the first MaxText bytes.
type limitedBuffer struct{ text []byte }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.text = append(b.text, p[:min(len(p), MaxText-len(b.text))]...)
	return len(p), nil
}

// Main writes the text of the PDF in to out. It is the whole process that an [Extractor]
// starts; it limits the memory of that process for good.
func Main(in *os.File, out io.Writer) error {
	if err := limitProcess(); err != nil {
		return err
	}
	info, err := in.Stat()
	if err != nil {
		return err
	}
	return writeText(in, info.Size(), out)
}
