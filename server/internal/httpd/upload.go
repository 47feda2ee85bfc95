package httpd

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxEnvelope bounds the part of an upload's body that is not the file, in bytes.
	maxEnvelope = 64 << 10
	// lingerTime and lingerBytes bound how much of a refused body is read on, so that
	// the sender gets the answer. Without a valid credential there is less time.
	lingerTime     = 20 * time.Second
	lingerStranger = time.Second
	lingerBytes    = 64 << 20
)

// upload is POST /api/media/upload: the field "file" of a form (RFC 7578),
// streamed to disk.
func (s *server) upload(w http.ResponseWriter, r *http.Request) {
	f, err := s.receiveUpload(w, r)
	// The upload may have used up the write deadline.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(bodyStall))
	if err != nil {
		s.refuseUpload(w, r, err)
		return
	}
	s.Metrics.MediaReceived(f.Size)
	s.Log.Debug("file uploaded", "user", f.UserID, "type", f.MimeType, "bytes", f.Size)
	result := protocol.MediaUploadResult{
		Path: f.Path(), MimeType: f.MimeType, Filename: f.Filename, Size: f.Size,
		Width: int64(f.Width), Height: int64(f.Height), Thumbnail: f.Thumbnail != "",
		NoText: f.Unreadable,
	}
	writeJSON(w, http.StatusOK, result.AppendJSON(nil))
}

func (s *server) receiveUpload(w http.ResponseWriter, r *http.Request) (media.File, error) {
	c, err := s.requireRole(r, protocol.Operator)
	if err != nil {
		return media.File{}, err
	}
	if s.Gateway.Draining() {
		return media.File{}, errStopping
	}
	if err := s.SignIns.AllowUpload(s.clientAddress(r), c.UserID,
		s.settings(r).RateLimitRPM); err != nil {
		return media.File{}, err
	}
	most := s.Media.MaxBytes()
	if r.ContentLength > most+maxEnvelope {
		return media.File{}, media.OverLimit(most)
	}
	body := newPacedReader(w, r.Body, maxEnvelope, errEnvelope, endOf(c))
	r = r.WithContext(r.Context()) // a copy with another body
	r.Body = body
	// An upload may take minutes: access that has ended meanwhile must store nothing.
	stillValid := func() error {
		_, err := s.requireRole(r, protocol.Operator)
		return err
	}
	return s.Media.Upload(r.Context(), c.Caller(), func() (string, io.Reader, error) {
		part, err := filePart(r)
		if err != nil {
			return "", nil, err
		}
		body.left, body.over = most+maxEnvelope, media.OverLimit(most)
		return part.FileName(), field{part, stillValid}, nil
	})
}

// filePart finds the file in a form.
func filePart(r *http.Request) (*multipart.Part, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, &httpError{http.StatusUnsupportedMediaType, protocol.Refuse(protocol.InvalidRequest,
			`send multipart/form-data with the file in the field "file"`)}
	}
	for {
		part, err := form.NextPart()
		var refused *protocol.Error
		switch {
		case errors.Is(err, io.EOF):
			return nil, protocol.Refuse(protocol.InvalidRequest, `the form has no field "file"`)
		case errors.As(err, &refused):
			return nil, err
		case err != nil:
			return nil, protocol.Refuse(protocol.InvalidRequest,
				"the form is not multipart/form-data as RFC 7578 says")
		case part.FormName() == "file":
			return part, nil
		}
	}
}

var errEnvelope = protocol.Refuse(protocol.InvalidRequest,
	`the field "file" must come within the first 64 KiB of the form`)

// field reads the file in a form. If the form ends early, the error is errBroken.
type field struct {
	io.Reader
	atEnd func() error // its error is that of the field, instead of io.EOF
}

func (f field) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		if refused := f.atEnd(); refused != nil {
			return n, refused
		}
	}
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, new(*protocol.Error)) {
		return n, err
	}
	return n, errBroken
}

// refuseUpload answers with the error, and reads on for a while if the body is still
// being sent: if the connection were closed at once, the client might not get the
// answer.
func (s *server) refuseUpload(w http.ResponseWriter, r *http.Request, err error) {
	rc := http.NewResponseController(w)
	_ = rc.EnableFullDuplex() // HTTP/2 always has it
	w.Header().Set("Connection", "close")
	s.refuse(w, r, mediaError(err))
	_ = rc.Flush()
	linger := lingerTime
	if refusal := new(protocol.Error); errors.As(err, &refusal) &&
		statusOf(refusal.Code) == http.StatusUnauthorized {
		linger = lingerStranger
	}
	_ = rc.SetReadDeadline(time.Now().Add(linger))
	_, _ = io.CopyN(io.Discard, r.Body, lingerBytes)
}

// mediaError gives some refusals of package media their HTTP status.
func mediaError(err error) error {
	var refusal *protocol.Error
	switch {
	case !errors.As(err, &refusal):
	case errors.Is(err, media.ErrTooLarge):
		return &httpError{http.StatusRequestEntityTooLarge, refusal}
	case errors.Is(err, media.ErrType):
		return &httpError{http.StatusUnsupportedMediaType, refusal}
	}
	return err
}
