package httpd

import (
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"

	"github.com/gatehouse-chat/gatehouse/web/static"
)

// minCompressed is the least size in bytes of a body that is compressed: about what one
// packet carries anyway.
const minCompressed = 1 << 10

// compressedTypes are the media types of bodies that are compressed.
var compressedTypes = []string{
	"application/json", "image/svg+xml", "text/css", "text/csv", "text/html", "text/javascript",
	"text/plain",
}

// compress compresses bodies with brotli or gzip, as the client prefers. It leaves these as
// they are: small bodies, bodies that their handler has compressed, and bodies of which a
// client can ask for ranges, which are files of users.
//
// Compression can tell an eavesdropper a secret: if the same body has the secret and a text
// of the eavesdropper's choice, the body is shorter when the two are alike (BREACH,
// CVE-2013-3587). Here that needs two things that the gateway does not offer:
//
//   - A secret. No body has a credential, a token against forged requests, or a key: cookies
//     are in headers, a new API key and the secret of a program's pairing are sent over the
//     WebSocket, which is not compressed, and the code of a sign-in link is printed by the
//     gateway's process alone. A chat is private, but it does not change at the wish of
//     somebody who cannot read it.
//   - Many requests with chosen texts, in the name of a user who is signed in. The cookie is
//     SameSite=Strict, so a page of another site cannot make them. A page of a sibling host
//     could open URLs with chosen queries, which console pages repeat: so a body that
//     another origin's page asked for is not compressed.
func (s *server) compress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" { // a WebSocket takes over the connection
			next.ServeHTTP(w, r)
			return
		}
		c := &compressedWriter{ResponseWriter: w}
		if !linkedFromElsewhere(r) {
			c.coding = static.Coding(r.Header.Values("Accept-Encoding"), "br", "gzip", "identity")
		}
		next.ServeHTTP(c, r)
		c.end() // not after a panic: the body that is cut off must not look whole
	})
}

// compressedWriter compresses what is written, if the response should be compressed. It
// keeps the first bytes until it can decide.
type compressedWriter struct {
	http.ResponseWriter
	coding  string // that the client prefers: "br", "gzip"; else the body is not compressed
	status  int    // 0: WriteHeader was not called
	start   []byte // of the body, until decided
	decided bool
	encoder encoder // nil: the body is not compressed
}

// WriteHeader keeps the status until the body shows whether to compress it.
func (c *compressedWriter) WriteHeader(status int) {
	switch {
	case status < http.StatusOK: // informational: others follow
		c.ResponseWriter.WriteHeader(status)
	case c.status == 0:
		c.status = status
	}
}

// Write writes a part of the body.
func (c *compressedWriter) Write(b []byte) (int, error) {
	if !c.decided {
		c.start = append(c.start, b...)
		if len(c.start) < minCompressed && c.compressible() {
			return len(b), nil
		}
		return len(b), c.decide()
	}
	return c.body().Write(b)
}

// Unwrap is for http.ResponseController, which sets deadlines.
func (c *compressedWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// FlushError sends what was written so far, however small it is.
func (c *compressedWriter) FlushError() error {
	if err := c.decide(); err != nil {
		return err
	}
	if c.encoder != nil {
		if err := c.encoder.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// end sends the rest of the response.
func (c *compressedWriter) end() {
	if !c.decided && len(c.start) < minCompressed {
		c.coding = "identity"
	}
	if c.decide() == nil && c.encoder != nil {
		_ = c.encoder.Close() // an error means that the client is gone
		encoders(c.coding).Put(c.encoder)
	}
}

// decide sends the header, with its content coding, and the start of the body.
func (c *compressedWriter) decide() error {
	if c.decided {
		return nil
	}
	c.decided = true
	if c.compressible() {
		if h := c.Header(); !slices.Contains(h.Values("Vary"), "Accept-Encoding") {
			h.Add("Vary", "Accept-Encoding")
		}
		if c.coding == "br" || c.coding == "gzip" {
			c.beginEncoding()
		}
	}
	if c.status != 0 {
		c.ResponseWriter.WriteHeader(c.status)
	}
	start := c.start
	c.start = nil
	if len(start) == 0 {
		return nil
	}
	_, err := c.body().Write(start)
	return err
}

// beginEncoding compresses the body from now on.
func (c *compressedWriter) beginEncoding() {
	h := c.Header()
	h.Set("Content-Encoding", c.coding)
	h.Del("Content-Length")
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h.Set("ETag", "W/"+tag) // the bytes differ between codings (RFC 9110 §8.8.3.3)
	}
	c.encoder = encoders(c.coding).Get().(encoder)
	c.encoder.Reset(c.ResponseWriter)
}

// compressible reports whether the response would be compressed for a client that accepts
// that, whatever the size of its body.
func (c *compressedWriter) compressible() bool {
	h := c.Header()
	if h.Get("Content-Encoding") != "" || h.Get("Accept-Ranges") != "" {
		return false
	}
	switch c.status {
	case http.StatusNoContent, http.StatusPartialContent, http.StatusNotModified:
		return false
	}
	if n, err := strconv.Atoi(h.Get("Content-Length")); err == nil && n < minCompressed {
		return false
	}
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && slices.Contains(compressedTypes, kind)
}

func (c *compressedWriter) body() io.Writer {
	if c.encoder != nil {
		return c.encoder
	}
	return c.ResponseWriter
}

// encoder writes a compressed body.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// Encoders are reused: a new one allocates one to two megabytes. The levels are where more
// time begins to save little. For a chat of 50 messages, 117 kB, brotli takes 0.7 ms for
// 14.1 kB at level 3, and 1.3 ms for 12.6 kB at level 5 with twice the memory; gzip takes
// 0.9 ms for 16.1 kB at level 5.
var (
	brotliEncoders = sync.Pool{New: func() any {
		const level, window = 3, 18 // the window is 256 KiB
		return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: level, LGWin: window})
	}}
	gzipEncoders = sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, 5) // an error means that there is no such level
		return w
	}}
)

func encoders(coding string) *sync.Pool {
	if coding == "br" {
		return &brotliEncoders
	}
	return &gzipEncoders
}
