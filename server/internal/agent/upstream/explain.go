package upstream

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// This file holds every sentence about model servers that users read.

// fail returns an error whose message is the formatted text. What a provider has said must
// be redacted before it becomes one of args: redacting the sentence would also change our
// own words.
func (s *Server) fail(code agent.Code, retryable bool, cause error, format string,
	args ...any) *agent.Error {
	return &agent.Error{Code: code, Retryable: retryable,
		Message: fmt.Sprintf(format, args...), Cause: cause}
}

// reject returns an error as fail does, for a conversation that would be refused again.
func (s *Server) reject(cause error, sentence string) *agent.Error {
	e := s.fail(agent.FailedPrecondition, false, cause, "%s", sentence)
	e.Rejected = true
	return e
}

// redactError returns err without the URL that net/http adds and without the API key.
func (s *Server) redactError(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	text := err.Error()
	if redacted := s.redact(text); redacted != text {
		return errors.New(redacted)
	}
	return err
}

// explainStatus explains a response that is not an event stream.
func (s *Server) explainStatus(status int, header http.Header, text []byte) *agent.Error {
	// Redact before parseErrorReport shortens the text: half a key would not be
	// recognised.
	return s.explainReport(parseErrorReport(status, header, []byte(s.redact(string(text)))))
}

// explainErrorEvent explains an error event in a stream. The event is a report of the API
// even if its data is not JSON.
func (s *Server) explainErrorEvent(header http.Header, text []byte) *agent.Error {
	p := parseErrorReport(http.StatusOK, header, []byte(s.redact(string(text))))
	p.structured = true
	return s.explainReport(p)
}

// explainReport turns a provider's report into an error with a sentence for the user.
func (s *Server) explainReport(p errorReport) *agent.Error {
	cause := &StatusError{Status: p.status, Detail: s.redact(p.detail), Param: p.param}
	if e := s.explainByText(p, cause); e != nil {
		return e
	}
	e := s.explainByStatus(p, cause)
	e.RetryAfter = p.retryAfter
	if e.Code == agent.ResourceExhausted {
		e.RetryAfter = cmp.Or(e.RetryAfter, defaultRetryAfter)
		e.Message = "The model server is getting too many requests. Try again in " +
			waitText(e.RetryAfter) + "."
	}
	return e
}

// waitText returns a wait in words, rounded up.
func waitText(d time.Duration) string {
	switch {
	case d <= 10*time.Second:
		return "a moment"
	case d <= 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(math.Ceil(d.Seconds())))
	case d <= 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(math.Ceil(d.Minutes())))
	default:
		return fmt.Sprintf("%d hours", int(math.Ceil(d.Hours())))
	}
}

// explainByText explains the refusals for which each provider uses another status. It
// returns nil for all others.
func (s *Server) explainByText(p errorReport, cause error) *agent.Error {
	switch {
	case p.status == http.StatusUnauthorized:
		return nil
	case p.mentions("context_length", "exceed_context_size", "context length", "context window",
		"maximum context", "available context", "prompt is too long", "request_too_large",
		"too many input tokens", "input token count", "maximum prompt length",
		"maximum model length", "too many tokens", "input is too long", "`inputs` tokens"),
		p.status == http.StatusRequestEntityTooLarge:
		return s.reject(cause, "This conversation is longer than the model can read. "+
			"Start a new session, or send a shorter message.")
	case p.mentions("content_filter", "content_policy", "content management policy", "flagged",
		"moderation"):
		return s.filtered(cause)
	case p.mentions("insufficient_quota", "credit balance", "billing_error",
		"insufficient credits"),
		p.status == http.StatusPaymentRequired:
		return s.fail(agent.FailedPrecondition, false, cause,
			"The model provider's account has no credit left. "+
				"An admin has to check the account behind %s.", s.configKey("api_key"))
	default:
		return nil
	}
}

// explainByStatus explains all other refusals.
func (s *Server) explainByStatus(p errorReport, cause error) *agent.Error {
	switch status := p.status; {
	case status == http.StatusUnauthorized || status == http.StatusForbidden ||
		p.mentions("authentication_error", "invalid_api_key", "permission_error",
			"incorrect api key", "invalid api key", "api key not valid", "api_key_invalid"):
		return s.refusedKey(cause)
	case status == http.StatusTooManyRequests || p.mentions("rate_limit"):
		return s.fail(agent.ResourceExhausted, true, cause,
			"The model server is getting too many requests.")
	case p.unknownModel():
		return s.fail(agent.FailedPrecondition, false, cause,
			"The model server does not know the model %q. "+
				"An admin has to check %s.", s.model, s.configKey("model"))
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed ||
		status == http.StatusGone || !p.structured && status < 500 && !mayPass(status) &&
		status != http.StatusRequestTimeout:
		e := s.notTheAPI(status, cause)
		e.Rejected = rejects(status)
		return e
	case status == http.StatusRequestTimeout || status == http.StatusGatewayTimeout:
		return s.fail(agent.Unavailable, true, cause,
			"The model server took too long to answer. Try again.")
	case status == http.StatusServiceUnavailable || status == 529 || p.mentions("overloaded"):
		return s.fail(agent.Unavailable, true, cause,
			"The model server is overloaded or still starting. Try again in a moment.")
	case status >= 500 || status == http.StatusOK:
		return s.fail(agent.Unavailable, true, cause,
			"The model server had a problem of its own. Try again.")
	case mayPass(status):
		return s.fail(agent.Unavailable, true, cause,
			"The model server could not take the request now. Try again.")
	default:
		return s.reject(cause, "The model server did not accept the request. "+
			"The gateway's log holds its reason for an admin.")
	}
}

// rejects reports whether a status is about the conversation in a request. The others
// below 500 are about the key, the account, the model, the address or the moment: the
// message is not at fault, and stays a part of later prompts.
func rejects(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone,
		http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500 && !mayPass(status)
}

// mayPass reports whether the same request may be accepted at another time, although the
// status is that of a bad request.
func mayPass(status int) bool {
	return status == http.StatusConflict || status == http.StatusTooEarly
}

// unknownModel reports whether the server does not know the model. A wrong path is a 404,
// too.
func (p errorReport) unknownModel() bool {
	if p.mentions("model_not_found", "deploymentnotfound", "model_decommissioned") {
		return true
	}
	switch p.status {
	case http.StatusNotFound:
		return p.structured && p.mentions("model")
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return p.mentions("valid model", "invalid model", "unknown model", "model does not exist",
			"model not found", "model not exist", "no models loaded")
	default:
		return false
	}
}

func (s *Server) refusedKey(cause error) *agent.Error {
	if !s.hasKey {
		return s.fail(agent.FailedPrecondition, false, cause,
			"The model server asks for an API key. An admin has to set %s.", s.configKey("api_key"))
	}
	return s.fail(agent.FailedPrecondition, false, cause,
		"The model's API key was refused. An admin has to check %s.", s.configKey("api_key"))
}

func (s *Server) filtered(cause error) *agent.Error {
	return s.reject(cause, "The model's provider declined to answer this (content filter). "+
		"Say it differently.")
}

func (s *Server) notTheAPI(status int, cause error) *agent.Error {
	e := s.fail(agent.FailedPrecondition, false,
		fmt.Errorf("not %s: HTTP %d: %w", s.api, status, cause),
		"The server at %s answered something that is not %s. "+
			"An admin has to check %s.", s.origin(), s.api, s.configKey("base_url"))
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
	return s.fail(agent.FailedPrecondition, false,
		fmt.Errorf("HTTP %d to %s", resp.StatusCode, target),
		"The model server at %s redirects to another address, which is not followed. An admin has "+
			"to put the final address into %s.",
		s.origin(), s.configKey("base_url"))
}

// unreachable explains why a request got no response.
func (s *Server) unreachable(err error) *agent.Error {
	cause := s.redactError(err)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return s.fail(agent.Unavailable, true, cause,
			"The model server's name %s can't be found. "+
				"An admin has to check %s, or the network.", s.Host(), s.configKey("base_url"))
	case errors.Is(err, syscall.ECONNREFUSED):
		return s.fail(agent.Unavailable, true, cause,
			"The model server at %s can't be reached. Is it running?", s.origin())
	case isTLS(err):
		return s.fail(agent.FailedPrecondition, false, cause,
			"No trusted TLS connection to the model server at %s could be made. An admin has to "+
				"check its certificate and %s.",
			s.origin(), s.configKey("base_url"))
	default:
		return s.fail(agent.Unavailable, true, cause, "The model server at %s can't be reached.",
			s.origin())
	}
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &authority) ||
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// timedOut explains which of the server's deadlines has passed.
func (s *Server) timedOut(cause error, emitted bool) *agent.Error {
	switch {
	case cause == errOverrun:
		return s.fail(agent.Timeout, false, cause, "The model took longer than %s and was stopped.",
			durationText(s.timeout))
	case emitted:
		return s.fail(agent.Timeout, true, cause,
			"The model stopped in the middle of its answer and sent nothing for %s.",
			durationText(s.idle))
	default:
		return s.fail(agent.Timeout, true, cause,
			"The model server at %s did not begin to answer within %s. "+
				"It may be busy, or still loading the model.", s.origin(), durationText(s.first))
	}
}

// durationText returns d in words if d is a whole number of minutes or seconds.
func durationText(d time.Duration) string {
	switch {
	case d == time.Second:
		return "a second"
	case d == time.Minute:
		return "a minute"
	case d == time.Hour:
		return "an hour"
	case d > time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	case d > time.Second && d%time.Second == 0:
		return fmt.Sprintf("%d seconds", d/time.Second)
	default:
		return d.String()
	}
}

// brokenOff explains a stream that ended before the answer was complete.
func (s *Server) brokenOff(emitted bool, err error) *agent.Error {
	if emitted {
		return s.fail(agent.Interrupted, true, s.redactError(err),
			"The model's answer was cut off. Try again to get a complete one.")
	}
	return s.fail(agent.Unavailable, true, s.redactError(err),
		"The model server at %s closed the connection before it answered.", s.origin())
}

func (s *Server) malformed(err error) *agent.Error {
	return s.fail(agent.Unavailable, true, fmt.Errorf("malformed stream: %w", s.redactError(err)),
		"The model server at %s sent something that can't be read. Try again.", s.origin())
}

func (s *Server) tooLarge(err error) *agent.Error {
	return s.fail(agent.FailedPrecondition, false, s.redactError(err),
		"The model server at %s sent a response that is too large.", s.origin())
}

// checkFinish returns nil for an answer that has text and has ended well. Otherwise it
// explains what is wrong.
func (s *Server) checkFinish(f agent.Finish, e Ending, hasText bool) *agent.Error {
	switch {
	case f == finishUnknown:
		return s.fail(agent.Interrupted, true,
			fmt.Errorf("the provider's finish reason is %q", shorten(s.redact(e.Reason))),
			"The model server stopped before the answer was complete. "+
				"Try again to get a complete one.")
	case f == finishTools || e.ToolCalled && !hasText:
		return s.wantedTool(e.Tool)
	case hasText:
		return nil
	case f == agent.FinishFilter:
		return s.filtered(errors.New("finished by the content filter without text"))
	case f == agent.FinishLength:
		return s.fail(agent.FailedPrecondition, false,
			errors.New("finished by length without text"),
			"The model used up its allowed length before the first word. "+
				"An admin can raise %s.", s.configKey("max_tokens"))
	default:
		return s.fail(agent.Unavailable, true, errors.New("finished without text"),
			"The model gave an empty answer. Try again, or say it differently.")
	}
}

// wantedTool explains an answer that is a call of a tool. The agent has no tools, so
// asking again would not help.
func (s *Server) wantedTool(name string) *agent.Error {
	tool := "a tool"
	if name = s.redact(name); toolName.MatchString(name) {
		tool = fmt.Sprintf("the tool %q", name)
	}
	return s.fail(agent.FailedPrecondition, false,
		fmt.Errorf("the model called %s, and the request offered no tools", tool),
		"The model tried to use %s instead of answering, but it has no tools here. "+
			"Ask it to answer without tools.", tool)
}

var toolName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// NoMessage returns the error for a request without a message to answer.
func (s *Server) NoMessage() *agent.Error {
	return s.fail(agent.FailedPrecondition, false, nil, "There is no message to answer.")
}
