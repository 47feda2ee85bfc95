package httpd

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// The least speed of uploads and downloads. The server's own deadlines only suit small
// bodies.
const (
	bodyGrace = 30 * time.Second // time without a least rate, at the beginning
	bodyRate  = 8 << 10          // bytes a second on average: 20 MiB within 43 minutes
	bodyStall = 20 * time.Second // longest time without a byte
)

// pacedReader reads a body that must keep to the least speed and to a size.
type pacedReader struct {
	io.ReadCloser
	rc    *http.ResponseController
	began time.Time
	read  int64 // bytes read
	left  int64 // bytes that the body may still have
	over  error // the error for a larger body
}

func newPacedReader(w http.ResponseWriter, body io.ReadCloser, left int64,
	over error) *pacedReader {
	return &pacedReader{ReadCloser: body, rc: http.NewResponseController(w), began: time.Now(),
		left: left, over: over}
}

// Read fails with errSlow if the body comes too slowly, with errBroken if it ends early,
// and with over if it is too large.
func (s *pacedReader) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, s.over
	}
	latest := s.began.Add(bodyGrace + time.Duration(s.read/bodyRate)*time.Second)
	if soon := time.Now().Add(bodyStall); soon.Before(latest) {
		latest = soon
	}
	if err := s.rc.SetReadDeadline(latest); err != nil {
		return 0, err
	}
	n, err := s.ReadCloser.Read(p[:min(int64(len(p)), s.left)])
	s.read += int64(n)
	s.left -= int64(n)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, errSlow
	case err != nil && !errors.Is(err, io.EOF):
		return n, errBroken
	}
	return n, err
}

var (
	errSlow = &httpError{http.StatusRequestTimeout, protocol.Refuse(protocol.InvalidRequest,
		"the upload came too slowly, or stopped: try again")}
	errBroken = protocol.Refuse(protocol.InvalidRequest, "the upload ended early: try again")
)

// pacedWriter gives each write its own deadline: a large file may take any time while the
// client goes on reading.
type pacedWriter struct {
	http.ResponseWriter
	written int64
}

// Write writes within bodyStall, or fails.
func (p *pacedWriter) Write(b []byte) (int, error) {
	if err := http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(bodyStall)); err != nil {
		return 0, err
	}
	n, err := p.ResponseWriter.Write(b)
	p.written += int64(n)
	return n, err
}
