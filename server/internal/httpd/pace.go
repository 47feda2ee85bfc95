package httpd

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Bounds of how slowly a body may come or go. The server's own deadlines are for
// requests that are small.
const (
	bodyGrace = 30 * time.Second // in which no rate is asked for
	bodyRate  = 8 << 10          // bytes a second on the whole: 20 MiB within 43 minutes
	bodyStall = 20 * time.Second // without a byte
)

// steady is a body that has to come steadily, and of which no more than left
// bytes may come.
type steady struct {
	io.ReadCloser
	rc    *http.ResponseController
	began time.Time
	got   int64
	left  int64
	over  error // what is said of more
}

func newSteady(w http.ResponseWriter, body io.ReadCloser, left int64, over error) *steady {
	return &steady{ReadCloser: body, rc: http.NewResponseController(w), began: time.Now(), left: left, over: over}
}

// Read gives over once more than left bytes have come, errSlow for a body that
// comes too slowly, and errBroken when it ends early.
func (s *steady) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, s.over
	}
	latest := s.began.Add(bodyGrace + time.Duration(s.got/bodyRate)*time.Second)
	if soon := time.Now().Add(bodyStall); soon.Before(latest) {
		latest = soon
	}
	if err := s.rc.SetReadDeadline(latest); err != nil {
		return 0, err
	}
	n, err := s.ReadCloser.Read(p[:min(int64(len(p)), s.left)])
	s.got += int64(n)
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

// patient gives each write time of its own, so that a large file may take its
// while as long as somebody takes it.
type patient struct {
	http.ResponseWriter
	written int64
}

// Write is the writer's own, within bodyStall.
func (p *patient) Write(b []byte) (int, error) {
	if err := http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(bodyStall)); err != nil {
		return 0, err
	}
	n, err := p.ResponseWriter.Write(b)
	p.written += int64(n)
	return n, err
}
