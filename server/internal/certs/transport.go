package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxAnswer bounds how much of an authority's answer is read, in bytes.
const maxAnswer = 1 << 20

var errStopping = errors.New("the gateway is stopping")

// client returns a client like a.Client, with two differences. Its requests end with
// ctx, where the library would continue them for minutes. And it records what goes
// wrong, since the library does not report failed renewals.
func (a *Authority) client(ctx context.Context) *http.Client {
	c := http.Client{}
	if a.Client != nil {
		c = *a.Client
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	c.Timeout = answerTimeout
	c.Transport = &authorityTransport{ctx, c.Transport, a.setProblem}
	return &c
}

func (a *Authority) setProblem(problem string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.problem = problem
}

func (a *Authority) lastProblem() string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.problem
}

// authorityTransport sends requests to an authority.
type authorityTransport struct {
	ctx        context.Context // ends all requests
	next       http.RoundTripper
	setProblem func(problem string)
}

// RoundTrip sends a request by next. It records an error, or a problem that the answer
// reports.
func (t *authorityTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(t.ctx, func() { cancel(errStopping) })()
	answer, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		t.setProblem(err.Error())
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // an error loses nothing: all was read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		t.setProblem(err.Error())
		return nil, err
	}
	if p := problemIn(text); p != "" {
		t.setProblem(p)
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return answer, nil
}

// problem is a problem document (RFC 7807).
type problem struct{ Type, Detail string }

// problemIn returns the problem that an answer reports: with the request or, in an
// order or an authorization, with a challenge (RFC 8555 §6.7, §7.1). It returns "" if
// there is none. A used nonce does not count: the library repeats the request with a
// new one.
func problemIn(text []byte) string {
	var document struct {
		problem
		Error      problem
		Challenges []struct{ Error problem }
	}
	if json.Unmarshal(text, &document) != nil {
		return ""
	}
	all := []problem{document.problem, document.Error}
	for _, c := range document.Challenges {
		all = append(all, c.Error)
	}
	for _, p := range all {
		if p.Detail != "" && !strings.HasSuffix(p.Type, ":badNonce") {
			return strings.TrimPrefix(p.Type, "urn:ietf:params:acme:error:") + ": " + p.Detail
		}
	}
	return ""
}
