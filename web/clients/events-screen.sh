#!/bin/sh
# A screen over plain HTTP with nothing but curl:  ./events-screen.sh pairing.json
# For a look at the wire. A screen for every day also keeps what it has shown already (see station.mjs).
set -eu
umask 077

file=${1:-pairing.json}
member() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p"; } # jq does it better where you have it
# What happened and what to do about it, of a problem.
words() { sed -n 's/.*"messages":{[^}]*"en":"\([^"]*\)".*"action":{[^}]*"en":"\([^"]*\)".*/\1 \2/p'; }
url=$(member serverUrl <"$file")
[ -n "$url" ] || { echo "$file is no pairing" >&2; exit 2; }

# Tokens go to curl on its standard input, so that no list of processes shows them.
bearer() { printf 'header = "Authorization: Bearer %s"\n' "$(member accessToken <"$file")"; }
json() { printf 'header = "Content-Type: application/json"\n'; sed 's/[\\"]/\\&/g; s/.*/data = "&"/'; }
post() { { [ "$1" = /api/auth/refresh ] || bearer; json; } | curl --silent --show-error --config - "$url$1"; }

renew() {
  answer=$(printf '{"refreshToken":"%s"}\n' "$(member refreshToken <"$file")" | post /api/auth/refresh)
  for name in accessToken refreshToken; do
    fresh=$(echo "$answer" | member "$name")
    [ -n "$fresh" ] || { echo "$answer" | words >&2; exit 1; }
    printf 's|\("%s": *"\)[^"]*|\\1%s|\n' "$name" "$fresh" | sed -f /dev/stdin "$file" >"$file.new"
    mv "$file.new" "$file"
  done
}

navigate() {
  id=$(echo "$1" | member id)
  display=$(echo "$1" | member displayIndex)
  document=$(echo "$1" | sed 's/.*"url": *"\([^"]*\)".*/\1/')
  echo "{\"id\":\"$id\",\"status\":\"received\"}" | post /api/events/ack
  # Where the appliance names the hosts of documents, this one opens the appliance's own alone.
  case $document in
    "$url"/documents/*) allowed=yes ;;
    http://* | https://*) allowed=$anyone ;;
    *) allowed=no ;;
  esac
  if [ $allowed = no ]; then
    echo "{\"id\":\"$id\",\"status\":\"failed\",\"code\":\"DOCUMENT_URL_REFUSED\"}" | post /api/events/ack
  elif size=$(curl --silent --fail --max-time 9 --proto =http,https --output /dev/null --write-out '%{size_download}' "$document"); then
    echo "$(echo "$1" | member title) on display $display: $size bytes"
    evidence="\"display\":{\"index\":$display},\"url\":\"$document\""
    echo "{\"id\":\"$id\",\"status\":\"shown\",$evidence}" | post /api/events/ack
  else
    echo "{\"id\":\"$id\",\"status\":\"failed\",\"code\":\"DOCUMENT_LOAD_FAILED\"}" | post /api/events/ack
  fi
}

heard() {
  case $1 in
    welcome)
      case $2 in *'"documentHosts":'*) anyone=no ;; *) anyone=yes ;; esac
      echo "Connected to $(echo "$2" | member plant) as $(echo "$2" | member screenId)"
      ;;
    navigate) navigate "$2" ;;
    delivery) echo "$(echo "$2" | member triggerId): $(echo "$2" | member state)" ;;
    clear) echo "The document is put away" ;;
    error)
      echo "$(echo "$2" | member code): $(echo "$2" | words)"
      case $2 in
        *'"code":"SESSION_REPLACED"'*) exit 49 ;; # not again until a person asks
        *'"displayIndex":'*) echo "The document is put away" ;; # nobody shall work from the paper before
      esac
      ;;
    goodbye) after=$(echo "$2" | member reconnectAfterMs) ;;
    auth:expiring)
      renew
      printf '{"type":"auth","token":"%s"}\n' "$(member accessToken <"$file")" | post /api/events/send >/dev/null
      ;;
  esac
}

# Ends with the stream, and not before it may come back: 0 after a welcome, 41 where the token isn't accepted, 49 where
# another client took the screen's place, 1 where nothing was to be had.
listen() {
  bearer | curl --silent --no-buffer --config - --speed-limit 1 --speed-time 45 --write-out '\nstatus: %{http_code}\n' \
    "$url/api/events/subscribe?capabilities=shown&restore=true" | {
    welcomed=1 after=0
    while IFS= read -r line; do
      case $line in
        "event: "*) event=${line#event: } ;;
        "data: "*) welcomed=0; heard "$event" "${line#data: }" ;;
        "status: 401" | "status: 403") exit 41 ;;
      esac
    done
    sleep "$((after / 1000)).$(printf %03d $((after % 1000)))"
    exit $welcomed
  }
}

attempt=0
while :; do
  ended=0
  listen || ended=$?
  case $ended in
    0) attempt=0 ;;
    41) renew; continue ;;
    49) exit 1 ;;
  esac
  echo "Lost the connection. Trying again."
  case $attempt in 0) sleep 0.1 ;; 1) sleep 0.2 ;; 2) sleep 0.4 ;; *) sleep 1 ;; esac
  attempt=$((attempt + 1))
done
