package config

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// A writer writes a Config as JSON5, with random white space, comments and quotes. It does
// not use the schema.
type writer struct {
	t *rapid.T
	b strings.Builder
}

// gap writes white space and comments, or nothing.
func (w *writer) gap() {
	w.b.WriteString(rapid.SampledFrom([]string{
		"", "", "", " ", "\n", "\t", "\r\n", "\u00a0", "\ufeff", "// { ' \" /* # \n", "// x\r", "/* ' \" // { # */", "/** a * b / c **/", "/*\n*/",
	}).Draw(w.t, "gap"))
}

func (w *writer) key(name string) {
	w.gap()
	switch form := rapid.IntRange(0, 2).Draw(w.t, "key"); {
	case form == 0 && !strings.Contains(name, "-") && (name[0] < '0' || name[0] > '9'):
		w.b.WriteString(name)
	default:
		w.quoted(name)
	}
	w.gap()
	w.b.WriteString(":")
}

func (w *writer) quoted(s string) {
	q := rapid.SampledFrom([]rune{'"', '\''}).Draw(w.t, "quote")
	w.b.WriteRune(q)
	for _, r := range s {
		switch {
		case r == q || r == '\\':
			w.b.WriteString("\\" + string(r))
		case r < ' ' || r == 0x7f || rapid.IntRange(0, 20).Draw(w.t, "escape") == 0 && r <= 0xffff:
			fmt.Fprintf(&w.b, `\u%04x`, r)
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteRune(q)
}

// sequence writes n parts between brackets, with or without a last comma.
func (w *writer) sequence(brackets string, n int, part func(int)) {
	w.gap()
	w.b.WriteByte(brackets[0])
	for i := range n {
		part(i)
		w.gap()
		if i < n-1 || rapid.Bool().Draw(w.t, "last comma") {
			w.b.WriteString(",")
		}
	}
	w.gap()
	w.b.WriteByte(brackets[1])
}

// value writes maps as objects, with their keys in any order.
func (w *writer) value(v any) {
	switch v := v.(type) {
	case map[string]any:
		names := rapid.Permutation(slices.Sorted(maps.Keys(v))).Draw(w.t, "order")
		w.sequence("{}", len(names), func(i int) { w.key(names[i]); w.value(v[names[i]]) })
	case []string:
		w.sequence("[]", len(v), func(i int) { w.value(v[i]) })
	case string:
		w.gap()
		w.quoted(v)
	default:
		w.gap()
		fmt.Fprint(&w.b, v)
	}
}

// valuesOf returns a Config as the object of a file.
func valuesOf(c Config) map[string]any {
	g := map[string]any{
		"listen": c.Gateway.Listen, "allowed_origins": c.Gateway.AllowedOrigins, "hosts": c.Gateway.Hosts, "rate_limit_rpm": c.Gateway.RateLimitRPM,
		"drain_timeout": c.Gateway.DrainTimeout.String(), "pairing": c.Gateway.Pairing,
		"max_connections": c.Gateway.Limits.Connections, "max_connections_per_user": c.Gateway.Limits.ConnectionsPerUser,
		"max_connections_per_address": c.Gateway.Limits.ConnectionsPerAddress,
		"max_pending_connections":     c.Gateway.Limits.PendingConnections, "max_pending_pairings": c.Gateway.Limits.PendingPairings,
		"max_runs_per_user": c.Gateway.Limits.RunsPerUser,
	}
	var proxies []string
	for _, p := range c.Gateway.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	g["trusted_proxies"] = proxies
	put(g, "token", c.Gateway.Token.Reveal())
	put(g, "token_file", c.Gateway.TokenFile)
	put(g, "public_url", c.Gateway.PublicURL)
	put(g, "metrics_listen", c.Gateway.MetricsListen)
	agents := map[string]any{}
	for name, a := range c.Agents.List {
		agents[name] = valuesOfAgent(a)
	}
	file := map[string]any{
		"gateway": g,
		"retention": map[string]any{
			"pieces": c.Retention.Pieces.String(), "sessions": c.Retention.Sessions.String(),
			"audit": c.Retention.Audit.String(),
		},
		"media": map[string]any{
			"max_bytes": fmt.Sprintf("%dB", c.Media.MaxBytes), "quota": formatSize(c.Media.Quota), "orphans": c.Media.Orphans.String(),
		},
		"log":    map[string]any{"format": string(c.Log.Format), "level": strings.ToLower(c.Log.Level.String())},
		"agents": map[string]any{"default": c.Agents.Default, "list": agents},
	}
	put(file, "data_dir", c.DataDir)
	file["tls"] = valuesOfTLS(c.TLS)
	hook := map[string]any{"events": c.Webhook.Events}
	put(hook, "url", c.Webhook.URL)
	put(hook, "secret", c.Webhook.Secret.Reveal())
	put(hook, "secret_file", c.Webhook.SecretFile)
	file["webhook"] = hook
	return file
}

func valuesOfTLS(t TLS) map[string]any {
	m := map[string]any{"acme_hosts": t.ACMEHosts, "hsts": t.HSTS.String()}
	put(m, "cert_file", t.CertFile)
	put(m, "key_file", t.KeyFile)
	put(m, "acme_email", t.ACMEEmail)
	put(m, "acme_directory", t.ACMEDirectory)
	put(m, "redirect_listen", t.RedirectListen)
	return m
}

func valuesOfAgent(a Agent) map[string]any {
	m := map[string]any{
		"provider": string(a.Provider), "timeout": a.Timeout.String(), "first_token_timeout": a.FirstTokenTimeout.String(),
		"idle_timeout": a.IdleTimeout.String(), "reasoning": a.Reasoning, "history_messages": a.HistoryMessages, "images": a.Images, "label": a.Label,
	}
	put(m, "base_url", a.BaseURL)
	put(m, "model", a.Model)
	put(m, "api_key", a.APIKey.Reveal())
	put(m, "api_key_file", a.APIKeyFile)
	put(m, "system_prompt", a.SystemPrompt)
	put(m, "description", a.Description)
	if a.MaxTokens != 0 {
		m["max_tokens"] = a.MaxTokens
	}
	if a.Temperature != nil {
		m["temperature"] = strconvFloat(*a.Temperature)
	}
	return m
}

type strconvFloat float64

func (f strconvFloat) String() string { return strconv.FormatFloat(float64(f), 'g', -1, 64) }

func put(m map[string]any, key, value string) {
	if value != "" {
		m[key] = value
	}
}

const (
	printable = `[!-~]{16,40}`
	line1     = `[a-zäöü€😀'"\\/#{}]{1,40}`
	origins   = `(https?|capacitor)://[a-z][a-z0-9]{0,8}(\.[a-z]{2,3})?(:[1-7][0-9]{3})?`
)

func drawConfig(t *rapid.T) Config {
	str := func(pattern, label string) string { return rapid.StringMatching(pattern).Draw(t, label) }
	maybe := func(pattern, label string) string {
		if rapid.Bool().Draw(t, "with "+label) {
			return str(pattern, label)
		}
		return ""
	}
	c := Config{
		Gateway: Gateway{
			Listen:       rapid.SampledFrom([]string{":0", "127.0.0.1:8080", "localhost:1", "[::1]:65535"}).Draw(t, "listen"),
			RateLimitRPM: rapid.IntRange(0, 100000).Draw(t, "rpm"),
			Limits: Limits{
				Connections:           rapid.IntRange(1, 1_000_000).Draw(t, "max_connections"),
				ConnectionsPerUser:    rapid.IntRange(1, 1_000_000).Draw(t, "max_connections_per_user"),
				ConnectionsPerAddress: rapid.IntRange(100, 1_000_000).Draw(t, "max_connections_per_address"),
				PendingConnections:    rapid.IntRange(10, 1_000_000).Draw(t, "max_pending_connections"),
				PendingPairings:       rapid.IntRange(1, 100_000).Draw(t, "max_pending_pairings"),
				RunsPerUser:           rapid.IntRange(0, 100_000).Draw(t, "max_runs_per_user"),
			},
			MetricsListen: rapid.SampledFrom([]string{"", "127.0.0.1:9090", "localhost:0", "[::1]:1"}).Draw(t, "metrics_listen"),
			DrainTimeout:  time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "drain")),
			Pairing:       rapid.Bool().Draw(t, "pairing"),
			PublicURL:     maybe(`https?://[a-z]{1,9}\.[a-z]{2}(:[1-7][0-9]{3})?(/[a-z]{2}-[A-Z0-9._~]{1,5}){0,2}`, "public_url"),
		},
		DataDir: maybe(line1, "data_dir"),
		Retention: Retention{
			Pieces:   time.Duration(rapid.Int64Range(int64(time.Minute), int64(longestAge)).Draw(t, "pieces")),
			Sessions: rapid.SampledFrom([]time.Duration{0, time.Hour, 90 * day, longestAge}).Draw(t, "sessions"),
			Audit:    rapid.SampledFrom([]time.Duration{0, day, longestAge}).Draw(t, "audit"),
		},
		Media: Media{
			MaxBytes: rapid.Int64Range(1<<10, 1<<30).Draw(t, "max_bytes"),
			Quota:    rapid.Int64Range(1<<20, 1<<40).Draw(t, "quota"),
			Orphans:  time.Duration(rapid.Int64Range(int64(time.Minute), int64(longestAge)).Draw(t, "orphans")),
		},
		Log: Log{
			Format: rapid.SampledFrom([]LogFormat{LogText, LogJSON}).Draw(t, "format"),
			Level:  rapid.SampledFrom([]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}).Draw(t, "level"),
		},
		Agents:  Agents{List: map[string]Agent{}},
		Webhook: Webhook{Events: rapid.SampledFrom([][]string{nil, {WebhookResolved}, {WebhookRequested, WebhookResolved}}).Draw(t, "hook events")},
	}
	if rapid.Bool().Draw(t, "webhook") {
		c.Webhook.URL = str(`https?://[a-z]{1,9}\.[a-z]{2}/[a-z]{1,9}`, "hook")
		if c.Webhook.Events == nil {
			c.Webhook.Events = []string{WebhookRequested}
		}
		if c.Webhook.SecretFile = maybe(line1, "secret_file"); c.Webhook.SecretFile == "" {
			c.Webhook.Secret = NewSecret("whsec_" + hookSecret)
		}
	}
	c.Media.Quota = max(c.Media.Quota, c.Media.MaxBytes)
	if c.Gateway.TokenFile = maybe(line1, "token_file"); c.Gateway.TokenFile == "" {
		c.Gateway.Token = NewSecret(maybe(printable, "token"))
	}
	if c.TLS = drawTLS(t, str, maybe); c.TLS.On() {
		c.Gateway.PublicURL = strings.Replace(c.Gateway.PublicURL, "http:", "https:", 1)
	}
	for range rapid.IntRange(0, 3).Draw(t, "origins") {
		c.Gateway.AllowedOrigins = append(c.Gateway.AllowedOrigins, str(origins+`|\*`, "origin"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "proxies") {
		bits := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")
		addr := netip.AddrFrom4([4]byte(bits))
		c.Gateway.TrustedProxies = append(c.Gateway.TrustedProxies, netip.PrefixFrom(addr, rapid.IntRange(0, 32).Draw(t, "bits")).Masked())
	}
	for range rapid.IntRange(1, 3).Draw(t, "agents") {
		c.Agents.Default = str(`[a-z0-9][a-z0-9_-]{0,31}`, "name")
		c.Agents.List[c.Agents.Default] = drawAgent(t, str, maybe)
	}
	return c
}

func drawTLS(t *rapid.T, str, maybe func(pattern, label string) string) TLS {
	s := TLS{HSTS: rapid.SampledFrom([]time.Duration{0, time.Minute, 365 * day}).Draw(t, "hsts")}
	switch rapid.IntRange(0, 2).Draw(t, "tls") {
	case 0:
		return s
	case 1:
		s.CertFile, s.KeyFile = str(line1, "cert_file"), str(line1, "key_file")
	case 2:
		for range rapid.IntRange(1, 3).Draw(t, "acme_hosts") {
			s.ACMEHosts = append(s.ACMEHosts, str(`([a-z0-9]{1,9}\.){1,3}[a-z]{2,9}`, "acme_host"))
		}
		s.ACMEEmail = maybe(`[a-z.+]{1,20}@[a-z]{1,9}\.[a-z]{2}`, "acme_email")
		s.ACMEDirectory = str(`https://[a-z]{1,9}\.[a-z]{2}(/[a-z]{1,5}){0,2}`, "acme_directory")
	}
	s.RedirectListen = rapid.SampledFrom([]string{"", ":80", "[::1]:0"}).Draw(t, "redirect_listen")
	return s
}

func drawAgent(t *rapid.T, str, maybe func(pattern, label string) string) Agent {
	a := Agent{
		Provider:     rapid.SampledFrom([]Provider{Builtin, OpenAI, Anthropic}).Draw(t, "provider"),
		Model:        str(line1, "model"),
		SystemPrompt: maybe(`[a-z \n\t"'\\]{1,80}`, "system_prompt"),
		MaxTokens:    rapid.IntRange(1, 1_000_000).Draw(t, "max_tokens"),
		Timeout:      time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "timeout")),
		IdleTimeout:  time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "idle_timeout")),
		Reasoning: rapid.SampledFrom([]string{"think", "off", "[THINK] [/THINK]",
			"a, <b> </b>"}).Draw(t, "reasoning"),
		HistoryMessages: rapid.IntRange(1, 1000).Draw(t, "history_messages"),
		Images:          rapid.Bool().Draw(t, "images"),
		Label:           str(line1, "label"),
		Description:     maybe(line1, "description"),
	}
	a.FirstTokenTimeout = time.Duration(rapid.Int64Range(int64(time.Second),
		int64(a.Timeout)).Draw(t, "first_token_timeout"))
	if a.Provider != Builtin {
		a.BaseURL = str(`https?://[a-z]{1,9}(:[1-7][0-9]{3})?(/[a-zA-Z0-9._~-]{1,5}){0,3}`, "base_url")
	}
	if a.APIKeyFile = maybe(line1, "api_key_file"); a.APIKeyFile == "" {
		a.APIKey = NewSecret(str(printable, "api_key"))
	}
	if rapid.Bool().Draw(t, "with temperature") {
		temperature := rapid.Float64Range(0, 1).Draw(t, "temperature")
		a.Temperature = &temperature
	}
	return a
}

func TestWrittenConfigLoadsToItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawConfig(t)
		if err := want.Validate(); err != nil {
			t.Fatalf("drawn: %v", err)
		}
		w := writer{t: t}
		w.value(valuesOf(want))
		w.gap()
		file := w.b.String()
		if rapid.Bool().Draw(t, "BOM") {
			file = "\ufeff" + file
		}
		got, _, err := Parse("x", []byte(file))
		if err != nil {
			t.Fatalf("%v\nin %s", err, file)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v\nin %s", got, want, file)
		}
	})
}

// All faults are reported: a file with n bad values has n faults, each at its value.
func TestEveryFaultIsPlaced(t *testing.T) {
	t.Parallel()
	bad := map[string]string{"listen": "1", "token": "1", "rate_limit_rpm": "-1", "drain_timeout": "'x'", "pairing": "null", "public_url": "{}", "trusted_proxies": "''", "nonsense": "1"}
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.Permutation(slices.Sorted(maps.Keys(bad))).Draw(t, "order")[:rapid.IntRange(0, len(bad)).Draw(t, "bad")]
		var file strings.Builder
		var want []string
		file.WriteString("{gateway: {\n")
		for i, name := range names {
			indent := strings.Repeat("\u00a0", rapid.IntRange(0, 5).Draw(t, "indent"))
			column := utf8.RuneCountInString(indent+name+": ") + 1
			if name == "nonsense" {
				column = utf8.RuneCountInString(indent) + 1
			}
			fmt.Fprintf(&file, "%s%s: %s,\n", indent, name, bad[name])
			want = append(want, fmt.Sprintf("gateway.%s %d:%d", name, i+2, column))
		}
		file.WriteString("}}")
		_, _, err := Parse("x", []byte(file.String()))
		var faults Faults
		errors.As(err, &faults)
		var got []string
		for _, f := range faults {
			got = append(got, fmt.Sprintf("%s %d:%d", f.Path, f.Line, f.Column))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q in\n%s", got, want, file.String())
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, group := range [][]faultCase{syntaxFaults(), keyFaults(), tlsFaults(), agentFaults()} {
		for _, c := range group {
			if len(c.file) < 1000 {
				f.Add([]byte(c.file))
			}
		}
	}
	f.Add([]byte("\ufeff// x\n{gateway: {listen: ':1', allowed_origins: ['*', 'http://[::1]:1'], trusted_proxies: ['::/0'], public_url: 'http://x'}, log: {level: 'debug',},}\n"))
	f.Add([]byte(`{agents:{default:'a',list:{a:{provider:'openai',base_url:'http://x/%41/é',model:'m',temperature:.5,max_tokens:0x10}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _, err := Parse("x", data)
		if err == nil {
			if err := c.Validate(); err != nil {
				t.Fatalf("was taken, but %v", err)
			}
			return
		}
		var faults Faults
		if !errors.As(err, &faults) || len(faults) == 0 {
			t.Fatalf("not Faults: %v", err)
		}
		lines := bytes.Split(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\n"))
		for _, f := range faults {
			whole := f.Line == 0 && f.Column == 0 && strings.HasPrefix(f.Problem, "is ")
			inside := f.Line >= 1 && f.Line <= len(lines) && f.Column >= 1 && f.Column <= len(lines[f.Line-1])+1
			if f.Source != "x" || f.Problem == "" || !whole && !inside {
				t.Fatalf("not in the file: %v", f)
			}
			if line := f.Error(); strings.ContainsAny(line, "\n\r") || !utf8.ValidString(line) {
				t.Fatalf("not one line of text: %q", line)
			}
		}
	})
}

// If a text is accepted as an address, origin, URL or age, writing and reading the value
// again gives the same value.
func FuzzTexts(f *testing.F) {
	for _, s := range []string{"*", "https://x", "HTTPS://X:443", "http://[::1]:1", "x:80", ":0", "10.0.0.1", "10.0.0.0/8", "::ffff:1.2.3.4", "http://x/%2F//?", "ws://x", "a://b#", "http://x:/", "http://u@x", "0", "36h", "99999d", "1e3h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		same(t, origin(), s)
		same(t, publicURL(), s)
		same(t, publicName(), s)
		same(t, secureURL(), s)
		same(t, baseURL(), s)
		same(t, listenAddress(), s)
		same(t, proxy(), s)
		same(t, ageOrNever(time.Hour), s)
	})
}

// same fails unless the value of s, written and read again, is the same.
func same[T any](t *testing.T, k kind[T], s string) {
	t.Helper()
	v, problems := k.read(node{shape: shapeText, text: s})
	if problems != nil {
		return
	}
	if again, problems := k.read(k.write(v)); problems != nil || !reflect.DeepEqual(v, again) {
		t.Errorf("%q is read as %v, and that as %v (%v)", s, v, again, problems)
	}
}
