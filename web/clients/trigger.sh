#!/bin/sh
# A program that scans, with curl:  VOOSTER_KEY=... ./trigger.sh http://192.168.10.20:8480 SCREEN-001 ORD-1001
# Waits until the document is on the monitor, or with the screen where that can't tell (ends with 0), or isn't (1).
set -eu

url=$1 screen=$2 order=$3
wait=${VOOSTER_WAIT_MS:-30000}
id=$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)
body="{\"id\":\"$id\",\"timestamp\":$(date +%s)000,\"orderId\":\"$order\",\"screenId\":\"$screen\"}"

# The key goes to curl on its standard input, so that no list of processes shows it. A repeat has the same id, so it
# changes nothing where the first one was heard.
answer=$(printf 'header = "Authorization: Bearer %s"\n' "$VOOSTER_KEY" |
  curl --silent --show-error --config - --max-time $((wait / 1000 + 10)) \
    --retry 10 --retry-all-errors --retry-delay 1 --retry-max-time 60 \
    --header "Content-Type: application/json" --data "$body" --write-out '\n%{http_code}' \
    "$url/api/trigger?wait=shown&timeoutMs=$wait") || {
  echo "$order: no answer. Look at the appliance and the network, then scan again." >&2
  exit 1
}
status=${answer##*
}
member() { echo "$answer" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# What happened and what to do about it, of a problem.
words() { sed -n 's/.*"messages":{[^}]*"en":"\([^"]*\)".*"action":{[^}]*"en":"\([^"]*\)".*/\1 \2/p'; }

case $status in
  200 | 202)
    result=$(member result)
    case $result in
      shown | received) echo "$order: $result" ;;
      timeout)
        echo "$order: accepted, but not on the monitor in time. It goes on waiting: look at the screen." >&2
        exit 1
        ;;
      *)
        echo "$order: $result" >&2
        exit 1
        ;;
    esac
    ;;
  *)
    echo "$order: $(member code): $(echo "$answer" | words)" >&2
    exit 1
    ;;
esac
