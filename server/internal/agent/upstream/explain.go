package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// This file holds every sentence that a user reads about a model server.

func (s *Server) fail(code agent.Code, retryable bool, cause error, format string, args ...any) *agent.Error {
	return &agent.Error{Code: code, Retryable: retryable, Message: s.redact(fmt.Sprintf(format, args...)), Cause: cause}
}

// safe is err without the URL that net/http puts around it and without the key.
func (s *Server) safe(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	text := err.Error()
	if clean := s.redact(text); clean != text {
		return errors.New(clean)
	}
	return err
}

// explainStatus explains a response that is not an event stream.
func (s *Server) explainStatus(status int, header http.Header, text []byte) *agent.Error {
	// Redacted before it is shortened: a key that is cut in two would not be found any more.
	return s.explainProblem(parseProblem(status, header, []byte(s.redact(string(text)))))
}

// explainReport explains an error event in a stream of the API, which is one whatever it holds.
func (s *Server) explainReport(text []byte) *agent.Error {
	p := parseProblem(http.StatusOK, nil, []byte(s.redact(string(text))))
	p.structured = true
	return s.explainProblem(p)
}

func (s *Server) explainProblem(p problem) *agent.Error {
	cause := &StatusError{Status: p.status, Detail: s.redact(p.detail)}
	if e := s.explainWords(p, cause); e != nil {
		return e
	}
	e := s.explainCode(p, cause)
	e.RetryAfter = p.retryAfter
	if e.Code == agent.ResourceExhausted && e.RetryAfter == 0 {
		e.RetryAfter = defaultRetryAfter
	}
	return e
}

// explainWords knows the refusals for which providers share no status: nil if p is none of them.
func (s *Server) explainWords(p problem, cause error) *agent.Error {
	switch {
	case p.status == http.StatusUnauthorized:
		return nil
	case p.says("context_length", "exceed_context_size", "context length", "context window", "maximum context",
		"available context", "prompt is too long", "request_too_large", "too many input tokens"),
		p.status == http.StatusRequestEntityTooLarge:
		return s.fail(agent.FailedPrecondition, false, cause,
			"This conversation is longer than the model can read. Start a new session, or send a shorter message.")
	case p.says("content_filter", "content_policy", "content management policy", "flagged", "moderation"):
		return s.filtered(cause)
	case p.says("insufficient_quota", "credit balance", "billing_error", "insufficient credits"),
		p.status == http.StatusPaymentRequired:
		return s.fail(agent.FailedPrecondition, false, cause,
			"The model provider's account has no credit left. An admin has to check the account behind %s.", s.key("api_key"))
	default:
		return nil
	}
}

func (s *Server) explainCode(p problem, cause error) *agent.Error {
	switch status := p.status; {
	case status == http.StatusUnauthorized || status == http.StatusForbidden || p.says("authentication_error", "invalid_api_key", "permission_error"):
		return s.refusedKey(cause)
	case status == http.StatusTooManyRequests || p.says("rate_limit"):
		return s.fail(agent.ResourceExhausted, true, cause, "The model server is getting too many requests. Try again in a moment.")
	case p.unknownModel():
		return s.fail(agent.FailedPrecondition, false, cause,
			"The model server does not know the model %q. An admin has to check %s.", s.model, s.key("model"))
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || !p.structured && status < 500:
		return s.notTheAPI(status, cause)
	case status == http.StatusRequestTimeout || status == http.StatusGatewayTimeout:
		return s.fail(agent.Unavailable, true, cause, "The model server took too long to answer. Try again.")
	case status == http.StatusServiceUnavailable || status == 529 || p.says("overloaded"):
		return s.fail(agent.Unavailable, true, cause, "The model server is overloaded or still starting. Try again in a moment.")
	case status >= 500 || status == http.StatusOK:
		return s.fail(agent.Unavailable, true, cause, "The model server had a problem of its own. Try again.")
	default:
		return s.fail(agent.FailedPrecondition, false, cause,
			"The model server did not accept the request. The gateway's log holds its reason for an admin.")
	}
}

// unknownModel tells a missing model from a missing path, which is a 404 as well.
func (p problem) unknownModel() bool {
	if p.says("model_not_found") {
		return true
	}
	switch p.status {
	case http.StatusNotFound:
		return p.structured && p.says("model")
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return p.says("valid model", "invalid model", "unknown model", "model does not exist", "model not found")
	default:
		return false
	}
}

func (s *Server) refusedKey(cause error) *agent.Error {
	if !s.hasKey {
		return s.fail(agent.FailedPrecondition, false, cause,
			"The model server asks for an API key. An admin has to set %s.", s.key("api_key"))
	}
	return s.fail(agent.FailedPrecondition, false, cause,
		"The model's API key was refused. An admin has to check %s.", s.key("api_key"))
}

func (s *Server) filtered(cause error) *agent.Error {
	return s.fail(agent.FailedPrecondition, false, cause,
		"The model's provider declined to answer this (content filter). Say it differently, or start a new session.")
}

func (s *Server) notTheAPI(status int, cause error) *agent.Error {
	e := s.fail(agent.FailedPrecondition, false, fmt.Errorf("not %s: HTTP %d: %w", s.api, status, cause),
		"The server at %s answered something that is not %s. An admin has to check %s.", s.origin(), s.api, s.key("base_url"))
	if s.hint != "" {
		e.Message += " " + s.hint
	}
	return e
}

func (s *Server) redirected(resp *http.Response) *agent.Error {
	target := "an address that can't be read"
	if u, err := s.base.Parse(s.redact(resp.Header.Get("Location"))); err == nil {
		target = u.Scheme + "://" + u.Host
	}
	return s.fail(agent.FailedPrecondition, false, fmt.Errorf("HTTP %d to %s", resp.StatusCode, target),
		"The model server at %s redirects to another address, which is not followed. An admin has to put the final address into %s.",
		s.origin(), s.key("base_url"))
}

// unreachable explains a request that got no response.
func (s *Server) unreachable(err error) *agent.Error {
	cause := s.safe(err)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return s.fail(agent.Unavailable, true, cause,
			"The model server's name %s can't be found. An admin has to check %s, or the network.", s.Host(), s.key("base_url"))
	case errors.Is(err, syscall.ECONNREFUSED):
		return s.fail(agent.Unavailable, true, cause, "The model server at %s can't be reached. Is it running?", s.origin())
	case isTLS(err):
		return s.fail(agent.FailedPrecondition, false, cause,
			"No trusted TLS connection to the model server at %s could be made. An admin has to check its certificate and %s.",
			s.origin(), s.key("base_url"))
	default:
		return s.fail(agent.Unavailable, true, cause, "The model server at %s can't be reached.", s.origin())
	}
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &authority) ||
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// late explains a deadline of ours.
func (s *Server) late(cause error, begun bool) *agent.Error {
	switch {
	case cause == errOverrun:
		return s.fail(agent.Timeout, false, cause, "The model took longer than %s and was stopped.", span(s.timeout))
	case begun:
		return s.fail(agent.Timeout, true, cause, "The model stopped in the middle of its answer and sent nothing for %s.", span(s.idle))
	default:
		return s.fail(agent.Timeout, true, cause,
			"The model server at %s did not begin to answer within %s. It may be busy, or still loading the model.", s.origin(), span(s.first))
	}
}

// span says a duration in words for the usual values.
func span(d time.Duration) string {
	switch {
	case d == time.Minute:
		return "a minute"
	case d > time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	case d > time.Second && d%time.Second == 0:
		return fmt.Sprintf("%d seconds", d/time.Second)
	default:
		return d.String()
	}
}

func (s *Server) cut(begun bool, err error) *agent.Error {
	if begun {
		return s.fail(agent.Unavailable, true, s.safe(err), "The model's answer was cut off.")
	}
	return s.fail(agent.Unavailable, true, s.safe(err), "The model server at %s closed the connection before it answered.", s.origin())
}

func (s *Server) malformed(err error) *agent.Error {
	return s.fail(agent.Unavailable, true, fmt.Errorf("malformed stream: %w", s.safe(err)),
		"The model server at %s sent something that can't be read. Try again.", s.origin())
}

func (s *Server) tooLarge(err error) *agent.Error {
	return s.fail(agent.FailedPrecondition, false, s.safe(err), "The model server at %s sent more than can be taken in.", s.origin())
}

// judge is about an answer that the provider calls finished: nil if there is text.
func (s *Server) judge(f agent.Finish, text bool) *agent.Error {
	switch {
	case text:
		return nil
	case f == agent.FinishFilter:
		return s.filtered(errors.New("finished by the content filter without text"))
	case f == agent.FinishLength:
		return s.fail(agent.FailedPrecondition, false, errors.New("finished by length without text"),
			"The model used up its allowed length before the first word. An admin can raise %s.", s.key("max_tokens"))
	default:
		return s.fail(agent.Unavailable, true, errors.New("finished without text"), "The model gave an empty answer. Try again, or say it differently.")
	}
}

// Nothing is the error for a request that holds no message to answer.
func (s *Server) Nothing() *agent.Error {
	return s.fail(agent.FailedPrecondition, false, nil, "There is no message to answer.")
}
