package httpd

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
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
	read  int64     // bytes read
	left  int64     // bytes that the body may still have
	over  error     // the error for a larger body
	ends  time.Time // when the sender's API key expires; zero: never
}

func newPacedReader(w http.ResponseWriter, body io.ReadCloser, left int64, over error,
	ends time.Time) *pacedReader {
	return &pacedReader{ReadCloser: body, rc: http.NewResponseController(w), began: time.Now(),
		left: left, over: over, ends: ends}
}

// Read fails with errSlow if the body comes too slowly, with errBroken if it ends early,
// with over if it is too large, and with auth.ErrKeyExpired once the sender's key has
// expired.
func (s *pacedReader) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, s.over
	}
	latest := s.began.Add(bodyGrace + time.Duration(s.read/bodyRate)*time.Second)
	if soon := time.Now().Add(bodyStall); soon.Before(latest) {
		latest = soon
	}
	latest = earlier(latest, s.ends)
	if err := s.rc.SetReadDeadline(latest); err != nil {
		return 0, err
	}
	n, err := s.ReadCloser.Read(p[:min(int64(len(p)), s.left)])
	s.read += int64(n)
	s.left -= int64(n)
	switch {
	case isOver(s.ends):
		return n, auth.ErrKeyExpired
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, errSlow
	case err != nil && !errors.Is(err, io.EOF):
		return n, errBroken
	}
	return n, err
}

// endOf is when the caller's credential expires; zero: never.
func endOf(who access.Identity) time.Time {
	if who.ExpiresAt == 0 {
		return time.Time{}
	}
	return who.ExpiresAt.Go()
}

// earlier is deadline, or end if that is set and comes before.
func earlier(deadline, end time.Time) time.Time {
	if !end.IsZero() && end.Before(deadline) {
		return end
	}
	return deadline
}

// isOver reports whether end is set and has come.
func isOver(end time.Time) bool { return !end.IsZero() && !time.Now().Before(end) }

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
	ends    time.Time // when the reader's API key expires; zero: never
}

// Write writes within bodyStall, or fails. It fails once the reader's key has expired.
func (p *pacedWriter) Write(b []byte) (int, error) {
	if isOver(p.ends) {
		return 0, auth.ErrKeyExpired
	}
	rc := http.NewResponseController(p.ResponseWriter)
	if err := rc.SetWriteDeadline(earlier(time.Now().Add(bodyStall), p.ends)); err != nil {
		return 0, err
	}
	n, err := p.ResponseWriter.Write(b)
	p.written += int64(n)
	return n, err
}
