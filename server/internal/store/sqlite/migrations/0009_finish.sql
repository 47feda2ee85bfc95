-- +goose Up

-- Why a complete answer ended; empty: unknown.
ALTER TABLE messages ADD COLUMN finish TEXT NOT NULL DEFAULT '';

-- Whether the provider refused the message that a failed answer replies to, so that
-- later prompts leave that message out.
ALTER TABLE messages ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;

-- Chats that such a message has blocked so far go on.
UPDATE messages SET rejected = 1
WHERE role = 'assistant' AND status = 'failed' AND content = '' AND (
    error LIKE 'The model''s provider declined to answer this (content filter)%'
    OR error LIKE 'This conversation is longer than the model can read.%'
    OR error LIKE 'The model server did not accept the request.%');

-- +goose Down
ALTER TABLE messages DROP COLUMN rejected;
ALTER TABLE messages DROP COLUMN finish;
