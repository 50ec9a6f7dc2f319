"""Why the appliance can't be found, in words for people, and what they can do."""

from __future__ import annotations

from typing import NamedTuple

from appliance.errors import Texts

_WORDS: dict[str, tuple[str, str, str, str]] = {
    "NO_CARD": (
        "공장 네트워크에 연결된 네트워크 카드가 없습니다.", "No network card with a LAN address.",
        "네트워크 선과 주소 설정을 확인해 주세요.", "Check the network cable and this PC's address.",
    ),
    "CARDS_NOT_THERE": (
        "설정에 적힌 네트워크 카드가 없습니다(discovery.interfaces: {detail}).",
        "No network card with a LAN address among discovery.interfaces ({detail}).",
        "카드 이름을 확인하거나 설정에서 지워 주세요.", "Check the cards' names, or take them out of the settings.",
    ),
    "THIS_PC_ONLY": (
        "이 PC에서만 열리도록 설정되어 있습니다(server.host: {detail}).",
        "It is set to be opened on this PC alone (server.host: {detail}).",
        "다른 PC에서 쓰려면 server.host 설정을 지워 주세요.",
        "To use it from other PCs, take server.host out of the settings.",
    ),
    "NO_MULTICAST": (
        "네트워크 카드 {card}에서 멀티캐스트를 쓸 수 없습니다.", "Network card {card} does no multicast.",
        "카드 설정에서 멀티캐스트를 켜 주세요.", "Turn multicast on for this card.",
    ),
    "NOT_HEARD": (
        "네트워크 카드 {card}: 자신이 보낸 알림이 돌아오지 않습니다. 멀티캐스트가 막혀 있습니다.",
        "Network card {card}: its own announcement isn't heard. Multicast does not get through.",
        "이 PC의 방화벽에서 UDP 5353 포트를 열어 주세요.", "Open UDP port 5353 in this PC's firewall.",
    ),
    "PORT_HELD": (
        "UDP 5353 포트를 쓸 수 없습니다: {detail}", "UDP port 5353 can't be used: {detail}",
        "이 포트를 혼자 쓰는 프로그램을 끝내 주세요.", "End the program that keeps this port to itself.",
    ),
    "NO_NETWORK": (
        "네트워크를 쓸 수 없습니다: {detail}", "The network can't be used: {detail}",
        "네트워크 카드를 확인해 주세요.", "Check the network card.",
    ),
    "NAMES_TAKEN": (
        "vooster.local과 그다음 이름을 모두 다른 기기가 쓰고 있습니다.",
        "Somebody else answers for vooster.local and every name after it.",
        "네트워크에서 같은 이름을 쓰는 기기를 찾아 주세요.",
        "Look for the device on the network that takes these names.",
    ),
    "FAILED": (
        "네트워크에 알리지 못했습니다: {detail}", "Announcing failed: {detail}",
        "이 문구를 Vooster 담당자에게 알려 주세요.", "Tell whoever looks after Vooster these words.",
    ),
}  # fmt: skip


class Reason(NamedTuple):
    """`card` is the network card's name, `detail` what the system or the settings say."""

    code: str
    card: str = ""
    detail: str = ""

    @property
    def chosen(self) -> bool:
        """Whether somebody has set it up so: then nothing is wrong."""
        return self.code == "THIS_PC_ONLY"

    def messages(self) -> Texts:
        ko, en, _, _ = _WORDS[self.code]
        return {"ko": self._filled(ko), "en": self._filled(en)}

    def actions(self) -> Texts:
        _, _, ko, en = _WORDS[self.code]
        return {"ko": ko, "en": en}

    def _filled(self, words: str) -> str:
        return words.format(card=self.card, detail=self.detail)
