package upstream

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// Requests ask for responses without compression. Some proxies compress anyway.

// contentEncoding returns the encoding of a response, or "" if it has none.
func contentEncoding(resp *http.Response) string {
	switch e := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); e {
	case "identity":
		return ""
	case "x-gzip":
		return "gzip"
	default:
		return e
	}
}

// decoded returns the body of resp, decompressed if it is compressed with gzip.
func decoded(resp *http.Response) io.ReadCloser {
	if contentEncoding(resp) != "gzip" {
		return resp.Body
	}
	return &gunzip{body: resp.Body}
}

// gunzip decompresses a body. Its first Read waits for the header of the format, so that
// the exchange's silence timer limits the wait.
type gunzip struct {
	body io.ReadCloser
	zip  *gzip.Reader // nil before the first Read
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.zip == nil {
		zip, err := gzip.NewReader(g.body)
		if err != nil {
			return 0, err
		}
		g.zip = zip
	}
	return g.zip.Read(p)
}

func (g *gunzip) Close() error { return g.body.Close() }

// checkEncoding returns nil if the body of resp can be read.
func (x *Exchange) checkEncoding(resp *http.Response) error {
	e := contentEncoding(resp)
	if e == "" || e == "gzip" {
		return nil
	}
	return x.server.compressed(e)
}

func (s *Server) compressed(encoding string) *agent.Error {
	return s.fail(agent.FailedPrecondition, false, nil,
		"The model server at %s sends compressed answers (%s), although the gateway asks for plain "+
			"ones. An admin has to switch this off there, or in the proxy before it.",
		s.origin(), shorten(s.redact(encoding)))
}
