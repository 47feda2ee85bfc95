package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// What is read of one response at most. A line is one event's data, as servers write it.
const (
	maxStreamBytes = 32 << 20
	maxLineBytes   = 1 << 20
	maxErrorBytes  = 64 << 10
)

var errTooLarge = errors.New("the response is too large")

// body is a response's body with the exchange's clock running while it is read, and with limits.
type body struct {
	x    *Exchange
	rc   io.ReadCloser
	line int // bytes since the last line break
}

func (b *body) Read(p []byte) (int, error) {
	x := b.x
	if x.readErr != nil {
		return 0, x.readErr
	}
	x.wait()
	n, err := b.rc.Read(p)
	x.silent.Stop()
	x.read += int64(n)
	if i := bytes.LastIndexByte(p[:n], '\n'); i >= 0 {
		b.line = n - i - 1
	} else {
		b.line += n
	}
	switch {
	case x.read > maxStreamBytes:
		err = fmt.Errorf("%w: more than %d bytes", errTooLarge, maxStreamBytes)
	case b.line > maxLineBytes:
		err = fmt.Errorf("%w: a line of more than %d bytes", errTooLarge, maxLineBytes)
	}
	switch {
	case err == io.EOF && n > 0:
		err = nil // told by the next read, if what is in p does not make that needless
	case err == io.EOF:
		x.eof = true
	case err != nil:
		x.readErr = err
	}
	return n, err
}

func (b *body) Close() error { return b.rc.Close() }
