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

// maxAnswer is what is read of an authority's answer, in bytes.
const maxAnswer = 1 << 20

var errStopping = errors.New("the gateway is stopping")

// client gives a client like a.Client whose requests end with ctx, where the
// library would let them go on for minutes, and which notes what goes wrong: of a
// renewal the library tells nobody.
func (a *Authority) client(ctx context.Context) *http.Client {
	c := http.Client{}
	if a.Client != nil {
		c = *a.Client
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	c.Timeout = answerTimeout
	c.Transport = &way{ctx, c.Transport, a.note}
	return &c
}

func (a *Authority) note(problem string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.problem = problem
}

func (a *Authority) lastProblem() string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.problem
}

// way is the way to an authority.
type way struct {
	ctx  context.Context
	next http.RoundTripper
	note func(problem string)
}

// RoundTrip passes a request on, until the context has ended, and reads the
// answer.
func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(w.ctx, func() { cancel(errStopping) })()
	answer, err := w.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		w.note(err.Error())
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		w.note(err.Error())
		return nil, err
	}
	if p := problemIn(text); p != "" {
		w.note(p)
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return answer, nil
}

// problem is one document of RFC 7807.
type problem struct{ Type, Detail string }

// problemIn is what an authority complains of: of a request, or, in an order or
// an authorization, of what it found (RFC 8555 §6.7, §7.1); "" is nothing. That a
// nonce was used up is no complaint: the library sends another one.
func problemIn(text []byte) string {
	var says struct {
		problem
		Error      problem
		Challenges []struct{ Error problem }
	}
	if json.Unmarshal(text, &says) != nil {
		return ""
	}
	all := []problem{says.problem, says.Error}
	for _, c := range says.Challenges {
		all = append(all, c.Error)
	}
	for _, p := range all {
		if p.Detail != "" && !strings.HasSuffix(p.Type, ":badNonce") {
			return strings.TrimPrefix(p.Type, "urn:ietf:params:acme:error:") + ": " + p.Detail
		}
	}
	return ""
}
