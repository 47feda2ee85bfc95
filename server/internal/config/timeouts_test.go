package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTimeouts(t *testing.T) {
	t.Parallel()
	const agent = `{agents:{list:{default:{provider:"openai",base_url:"http://127.0.0.1:1/v1",model:"m"`
	for keys, want := range map[string][3]time.Duration{ // timeout, first token, idle
		"":                           {5 * time.Minute, 3 * time.Minute, time.Minute},
		`,first_token_timeout:"10m"`: {15 * time.Minute, 10 * time.Minute, time.Minute},
		`,first_token_timeout:"1h"`:  {time.Hour, time.Hour, time.Minute},
		`,first_token_timeout:"4m"`:  {5 * time.Minute, 4 * time.Minute, time.Minute},
		`,timeout:"1m"`:              {time.Minute, 3 * time.Minute, time.Minute},
		`,timeout:"20m",idle_timeout:"5m",first_token_timeout:"20m"`: {20 * time.Minute, 20 * time.Minute,
			5 * time.Minute},
	} {
		a := mustParse(t, agent+keys+"}}}}").Agents.List["default"]
		if got := [3]time.Duration{a.Timeout, a.FirstTokenTimeout, a.IdleTimeout}; got != want {
			t.Errorf("%s: %v, want %v", keys, got, want)
		}
	}
	_, _, err := Parse("f", []byte(agent+`,timeout:"5m",first_token_timeout:"10m"}}}}`))
	if want := "agents.list.default.first_token_timeout: must not be longer than timeout, which " +
		"limits the whole answer and is 5m; got 10m"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want …%s", err, want)
	}
}

func TestReasoning(t *testing.T) {
	t.Parallel()
	const agent = `{agents:{list:{default:{provider:"openai",base_url:"http://127.0.0.1:1/v1",model:"m",reasoning:%s}}}}`
	for value, want := range map[string]string{`"off"`: "off", `false`: "off", `"think"`: "think",
		`"[THINK] [/THINK], why"`: "[THINK] [/THINK], why"} {
		if got := mustParse(t, fmt.Sprintf(agent, value)).Agents.List["default"].Reasoning; got != want {
			t.Errorf("%s is read as %q", value, got)
		}
	}
	for _, value := range []string{`true`, `""`, `"a b c"`, `["think"]`, `3`} {
		if _, _, err := Parse("f", fmt.Appendf(nil, agent, value)); err == nil ||
			!strings.Contains(err.Error(), "agents.list.default.reasoning: must be \"off\", or up to 8 tags") {
			t.Errorf("%s: %v", value, err)
		}
	}
}
