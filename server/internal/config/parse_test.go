package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// mustParse parses a file, which must be valid.
func mustParse(t *testing.T, file string) Config {
	t.Helper()
	c, warnings, err := Parse("config.json5", []byte(file))
	if err != nil || warnings != nil {
		t.Fatalf("%s\nwarnings %v, error %v", file, warnings, err)
	}
	return c
}

func TestJSON5(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"plain":                  `{"log":{"level":"warn"}}`,
		"bare and single-quoted": `{log:{level:'warn'}}`,
		"trailing commas":        `{log:{level:'warn',},}`,
		"byte order mark":        "\ufeff" + `{log:{level:'warn'}}`,
		"line comments":          "// # { ' \" /*\n{log: // }\r\n{level:// x\u2028'warn'}}// end",
		"block comments":         "/** a * b / c **/{/* \" */log/**/:/* ' \n // */{level/*:*/:/*,*/'warn'/*}*/}}/***/",
		"white space":            "\u00a0\v\f\t{\u3000log\r:\u2003{level:'warn'}\ufeff}\r\n",
		"escapes":                `{"l\u006fg":{'level':'w\u0061\` + "\n" + `rn'}}`,
		"folded CRLF":            "{log:{level:'wa\\\r\nrn'}}",
		"# in a text":            `{log:{level:'warn'},data_dir:'#1'}`,
	} {
		if got := mustParse(t, file); got.Log.Level.String() != "WARN" {
			t.Errorf("%s: got level %v", name, got.Log.Level)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for literal, want := range map[string]int{"0": 0, "-0": 0, "60": 60, "+60": 60, "6e1": 60, "60.": 60, "60.0": 60, "0x3C": 60, "100000": 100000} {
		if got := mustParse(t, "{gateway:{rate_limit_rpm:"+literal+"}}").Gateway.RateLimitRPM; got != want {
			t.Errorf("%s: got %d, want %d", literal, got, want)
		}
	}
}

func TestNormalForms(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `{gateway: {
		allowed_origins: ["HTTPS://App.Example.COM:443", "http://LOCALHOST:3000", "http://x:80", "https://x:0080", "https://[::0:1]:8443", "capacitor://localhost", "*"],
		trusted_proxies: ["10.0.0.1", "10.0.0.0/8", "::ffff:192.0.2.1", "FD00::/8", "::1"],
		public_url: "HTTPS://Chat.Example.com:443/",
		hosts: ["Chat.Example.COM.", "gatehouse", "xn--bcher-kva.example", "[::0:1]", "::ffff:192.0.2.1"],
	}, agents: {list: {default: {provider: "openai", model: "m", base_url: "HTTP://Ollama:80/V1//"}}}}`)
	if want := []string{"https://app.example.com", "http://localhost:3000", "http://x", "https://x:80", "https://[::1]:8443", "capacitor://localhost", "*"}; !reflect.DeepEqual(c.Gateway.AllowedOrigins, want) {
		t.Errorf("origins: got %q, want %q", c.Gateway.AllowedOrigins, want)
	}
	var proxies []string
	for _, p := range c.Gateway.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	if want := "10.0.0.1/32 10.0.0.0/8 192.0.2.1/32 fd00::/8 ::1/128"; strings.Join(proxies, " ") != want {
		t.Errorf("proxies: got %q, want %q", proxies, want)
	}
	if want := []string{"chat.example.com", "gatehouse", "xn--bcher-kva.example", "::1", "192.0.2.1"}; !reflect.DeepEqual(c.Gateway.Hosts, want) {
		t.Errorf("hosts: got %q, want %q", c.Gateway.Hosts, want)
	}
	idn := mustParse(t, `{gateway: {public_url: "https://BÜCHER.example:443/Chat/", hosts: ["例え.jp", "straße.example."],
		allowed_origins: ["http://bücher.example:3000"]}, tls: {acme_hosts: ["bücher.example"]}}`)
	if got := []string{idn.Gateway.PublicURL, idn.Gateway.Hosts[0], idn.Gateway.Hosts[1], idn.Gateway.AllowedOrigins[0], idn.TLS.ACMEHosts[0]}; !reflect.DeepEqual(got, []string{
		"https://xn--bcher-kva.example/Chat", "xn--r8jz45g.jp", "xn--strae-oqa.example", "http://xn--bcher-kva.example:3000", "xn--bcher-kva.example"}) {
		t.Errorf("names in other scripts: got %q", got)
	}
	if c.Gateway.PublicURL != "https://chat.example.com" {
		t.Errorf("public_url: got %q", c.Gateway.PublicURL)
	}
	if got := c.Agents.List["default"].BaseURL; got != "http://ollama/V1" {
		t.Errorf("base_url: got %q", got)
	}
}

func TestListenAddresses(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"127.0.0.1:8080", "localhost:8080", ":8080", ":0", "[::1]:80", "[fe80::1%eth0]:80", "Gate.Example.com:443", "0.0.0.0:65535"} {
		if got := mustParse(t, "{gateway:{listen:'"+ok+"'}}").Gateway.Listen; got != ok {
			t.Errorf("%s became %s", ok, got)
		}
	}
	for _, bad := range []string{"", "8080", "localhost", "::1:80", "[::1]", "localhost:http", "localhost:-1", "localhost:", "a b:80", "a/b:80", "-:80"} {
		if c, _, err := Parse("x", []byte("{gateway:{listen:'"+bad+"'}}")); err == nil {
			t.Errorf("%q was taken as %q", bad, c.Gateway.Listen)
		}
	}
}

func TestWhatAnAgentIsGiven(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `{agents: {default: "a", list: {
		a: {provider: "anthropic", model: "m", api_key: "k"},
		"o-1": {provider: "openai", model: "m", api_key: "k", label: "Oh", max_tokens: 5, temperature: 0},
	}}}`)
	zero := 0.0
	want := map[string]Agent{
		"a":   {Provider: Anthropic, BaseURL: "https://api.anthropic.com", Model: "m", APIKey: NewSecret("k"), MaxTokens: 8192, Timeout: 300e9, FirstTokenTimeout: 180e9, IdleTimeout: 60e9, Reasoning: "think, thinking, thought, reasoning, [THINK] [/THINK]", HistoryMessages: 40, Images: true, Label: "a"},
		"o-1": {Provider: OpenAI, BaseURL: "https://api.openai.com/v1", Model: "m", APIKey: NewSecret("k"), MaxTokens: 5, Temperature: &zero, Timeout: 300e9, FirstTokenTimeout: 180e9, IdleTimeout: 60e9, Reasoning: "think, thinking, thought, reasoning, [THINK] [/THINK]", HistoryMessages: 40, Images: true, Label: "Oh"},
	}
	if !reflect.DeepEqual(c.Agents.List, want) {
		t.Errorf("got %+v, want %+v", c.Agents.List, want)
	}
}

func TestValidateReportsEveryFault(t *testing.T) {
	t.Parallel()
	c := mustParse(t, "{}")
	c.Gateway.Listen = "nowhere"
	c.Gateway.AllowedOrigins = []string{"https://x:443"}
	c.Gateway.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/8")}
	c.Gateway.Token = NewSecret("short")
	c.Log.Level = 1
	c.Agents.Default = "gone"
	c.Agents.List = map[string]Agent{"x": {Provider: "other", HistoryMessages: -1}, "Y": {}, "z": {Provider: OpenAI}}
	want := `configuration: gateway.listen: ` + listenRule + `; got "nowhere"
configuration: gateway.token: ` + tokenRule + `; got 5 characters
configuration: gateway.allowed_origins: must be in its normal form, ["https://x"]
configuration: gateway.trusted_proxies[0]: ` + proxyRule + `; bits after the prefix are set: write "10.0.0.0/8"; got "10.0.0.1/8"
configuration: log.level: must be "debug", "info", "warn" or "error"; got "info+1"
configuration: agents.list.x.provider: must be "builtin", "openai" or "anthropic"; got "other"
configuration: agents.list.Y.timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "0s"
configuration: agents.list.x.timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "0s"
configuration: agents.list.z.timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "0s"
configuration: agents.list.Y.first_token_timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "0s"
configuration: agents.list.x.first_token_timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "0s"
configuration: agents.list.z.first_token_timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "0s"
configuration: agents.list.Y.idle_timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "0s"
configuration: agents.list.x.idle_timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "0s"
configuration: agents.list.z.idle_timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "0s"
configuration: agents.list.Y.reasoning: must be "off", or up to 8 tags with commas between them, each a name as in "think" or two marks as in "[THINK] [/THINK]"; got ""
configuration: agents.list.x.reasoning: must be "off", or up to 8 tags with commas between them, each a name as in "think" or two marks as in "[THINK] [/THINK]"; got ""
configuration: agents.list.z.reasoning: must be "off", or up to 8 tags with commas between them, each a name as in "think" or two marks as in "[THINK] [/THINK]"; got ""
configuration: agents.list.Y.history_messages: must be a whole number from 1 to 1000; got 0
configuration: agents.list.x.history_messages: must be a whole number from 1 to 1000; got -1
configuration: agents.list.z.history_messages: must be a whole number from 1 to 1000; got 0
configuration: agents.list.Y: an agent's name must be 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit
configuration: agents.list.Y.provider: is required: "builtin", "openai" or "anthropic"
configuration: agents.list.z.model: is required with provider "openai": the model's name in quotes
configuration: agents.list.z.api_key: is required with provider "openai" at https://api.openai.com/v1: give it, or api_key_file, or the environment variable OPENAI_API_KEY
configuration: agents.default: must be the name of an agent in agents.list: "Y", "x", "z"; got "gone"`
	if got := c.Validate(); got == nil || got.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", got, want)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"listen", "token", "token_file", "allowed_origins", "rate_limit_rpm"}
	for name, want := range map[string]string{
		"listn": "listen", "lisetn": "listen", "Listen": "listen", "tokenFile": "token_file", "allowed-origin": "allowed_origins",
		"rate_limit": "rate_limit_rpm", "tok": "token", "colour": "", "": "", "x": "", strings.Repeat("token", 1000): "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestAges(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "1h": time.Hour, "60m": time.Hour, "36h30m": 36*time.Hour + 30*time.Minute, "1d": day, "24h": day, "90d": 90 * day, "2160h": 90 * day, "3650d": longestAge,
	} {
		if got := mustParse(t, "{retention: {sessions: '"+text+"'}}").Retention.Sessions; got != want {
			t.Errorf("%s is read as %v, want %v", text, got, want)
		}
	}
	if got := formatAge(day) + " " + formatAge(90*day) + " " + formatAge(49*time.Hour) + " " + formatAge(0); got != "24h 90d 49h 0" {
		t.Errorf("written: %s", got)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"1KiB": 1 << 10, "1024B": 1 << 10, "1 KiB": 1 << 10, "20MiB": 20 << 20, "1025B": 1025, "1GiB": 1 << 30, "1048576KiB": 1 << 30} {
		if got := mustParse(t, "{media: {quota: '1GiB', max_bytes: '"+text+"'}}").Media.MaxBytes; got != want {
			t.Errorf("%s is read as %d, want %d", text, got, want)
		}
	}
	for _, text := range []string{"", "1", "1025", "1.5MiB", "-1MiB", "20 mib", "20MB", "99999999999GiB", "1TiB", "0x10KiB"} {
		if _, _, err := Parse("x", []byte("{media: {max_bytes: '"+text+"'}}")); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if got := formatSize(20<<20) + " " + formatSize(1025) + " " + formatSize(1<<40) + " " + formatSize(0); got != "20MiB 1025B 1024GiB 0B" {
		t.Errorf("written: %s", got)
	}
}
