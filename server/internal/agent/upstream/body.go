package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// The limits on what is read of one response. Servers write the data of an event as one
// line.
const (
	maxStreamBytes = 32 << 20
	maxLineBytes   = 4 << 20
	maxErrorBytes  = 64 << 10
	maxWholeBytes  = 4 << 20 // of an answer that is no stream
)

var errTooLarge = errors.New("the response is too large")

// body is the body of a response. While it is read, the exchange's silence timer runs,
// and the limits are enforced.
type body struct {
	x    *Exchange
	rc   io.ReadCloser
	line int // bytes read since the last line break
}

func (b *body) Read(p []byte) (int, error) {
	x := b.x
	if x.readErr != nil {
		return 0, x.readErr
	}
	x.startSilenceTimer()
	n, err := b.rc.Read(p)
	x.silence.Stop()
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
	if err != nil && err != io.EOF {
		x.readErr = err
	}
	return n, err
}

func (b *body) Close() error { return b.rc.Close() }
