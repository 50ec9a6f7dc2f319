/** Said in one plain line wherever people sign in or watch: without TLS, who listens on the network reads along. */
import { t } from "../lib/i18n";

export function UnencryptedNote() {
  return (
    <p class="unencrypted">
      {t(
        "이 연결은 암호화되지 않습니다(TLS 꺼짐). 공장 네트워크 안에서만 쓰세요.",
        "This connection isn't encrypted (TLS is off). Use it inside the factory network only.",
      )}{" "}
      <a href="/trust">{t("무슨 뜻입니까?", "What does that mean?")}</a>
    </p>
  );
}
