package protocol

// This file has what only clients read that were written for GoClaw v3: names for what
// Gatehouse calls otherwise, and answers about what it does not have.

// Constants of ConnectResult.
const (
	TenantID   = "default"
	TenantSlug = "default"
	Edition    = "gatehouse"
)

// MaxListOffset bounds SessionsListParams.Offset and the exactness of
// SessionsListResult.Total.
const MaxListOffset = 10_000

// WithAliases returns u with all of its fields.
func (u Usage) WithAliases() Usage {
	u.PromptTokens, u.CompletionTokens = u.InputTokens, u.OutputTokens
	u.TotalTokens = u.InputTokens + u.OutputTokens
	return u
}

// TenantsResult answers tenants.mine: there is nothing to choose.
type TenantsResult struct {
	Tenants []Empty `json:"tenants"`
}

// TeamTasksResult answers teams.tasks.active-by-session: there are no teams.
type TeamTasksResult struct {
	Tasks []Empty `json:"tasks"`
	Count int64   `json:"count"`
}

// QuotaUsageResult answers quota.usage: there are no quotas of requests.
type QuotaUsageResult struct {
	Enabled           bool    `json:"enabled"`
	Entries           []Empty `json:"entries"`
	RequestsToday     int64   `json:"requestsToday"`
	InputTokensToday  int64   `json:"inputTokensToday"`
	OutputTokensToday int64   `json:"outputTokensToday"`
	CostToday         int64   `json:"costToday"`
	UniqueUsersToday  int64   `json:"uniqueUsersToday"`
}

// CronListResult answers cron.list: there are no scheduled jobs.
type CronListResult struct {
	Jobs []Empty `json:"jobs"`
}

// ChannelsStatusResult answers channels.status: there are no channels to other networks.
type ChannelsStatusResult struct {
	Channels Empty `json:"channels"`
}

// AgentsResult answers GET /v1/agents.
type AgentsResult struct {
	Agents []AgentEntry `json:"agents"`
}

// AgentEntry is an agent as v3 names its fields.
type AgentEntry struct {
	ID          string `json:"id"`
	AgentKey    string `json:"agent_key"`
	DisplayName string `json:"display_name"`
	Provider    string `json:"provider"`
	Model       string `json:"model"`
	Status      string `json:"status"`
	IsDefault   bool   `json:"is_default"`
}

// ProvidersResult answers GET /v1/providers.
type ProvidersResult struct {
	Providers []ProviderEntry `json:"providers"`
}

// ProviderEntry is a provider of agents. APIKey never is one.
type ProviderEntry struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	APIKey  string `json:"api_key"`
}
