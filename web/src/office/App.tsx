/** Which page stands at which path, and who may see it. */
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../lib/i18n";
import { Dialog } from "../ui/Dialog";
import { Mark } from "../ui/icons";
import { Loading } from "../ui/Loading";
import { ProblemNotice } from "../ui/Notice";
import { ApprovePage } from "./ApprovePage";
import { DeadLettersPage } from "./DeadLettersPage";
import { DiscoveryPage } from "./DiscoveryPage";
import { ExtensionPage } from "./ExtensionPage";
import { Frame } from "./Frame";
import { LabelsPage } from "./LabelsPage";
import { LoginForm, LoginPage } from "./LoginPage";
import { NotFoundPage } from "./NotFoundPage";
import { NowPage } from "./NowPage";
import { PairPage } from "./PairPage";
import { PhonePage } from "./PhonePage";
import { goToLogin, place } from "./router";
import { ScreensPage } from "./ScreensPage";
import { SetupPage } from "./SetupPage";
import { ended, loadMe, me, meProblem, signOut } from "./session";
import { TrustPage } from "./TrustPage";

const OPEN: Record<string, ComponentType> = {
  "/setup": SetupPage,
  "/login": LoginPage,
  "/pair": PairPage,
  "/trust": TrustPage,
  "/extension": ExtensionPage,
};
const BARE: Record<string, ComponentType> = { "/approve": ApprovePage };
const FRAMED: Record<string, ComponentType> = {
  "/": NowPage,
  "/screens": ScreensPage,
  "/screens/labels": LabelsPage,
  "/dead-letters": DeadLettersPage,
  "/discovery": DiscoveryPage,
};

export function App() {
  const path = place.value.pathname;
  const Open = OPEN[path];
  if (Open) return <Open />;
  if (!(path in BARE || path in FRAMED)) return <NotFoundPage />;
  return (
    <>
      <SignedIn path={path} />
      {ended.value && <SignInAgain />}
    </>
  );
}

function SignedIn({ path }: { path: string }) {
  useEffect(() => {
    if (me.value === undefined) void loadMe();
  }, []);
  const nobody = me.value === null && !ended.value;
  useEffect(() => {
    if (nobody) goToLogin();
  }, [nobody]);
  if (!me.value) {
    const waits = meProblem.value ? (
      <ProblemNotice problem={meProblem.value} onRetry={() => void loadMe()} />
    ) : (
      <Loading rows={6} onRetry={() => void loadMe()} />
    );
    if (path in BARE) return <PhonePage>{waits}</PhonePage>;
    return (
      <div class="shell">
        <div class="nav">
          <div class="brand">
            <Mark />
            <div lang="en">Vooster Appliance</div>
          </div>
        </div>
        <main class="main">{waits}</main>
      </div>
    );
  }
  const Bare = BARE[path];
  if (Bare) return <Bare />;
  const Framed = FRAMED[path] ?? NowPage;
  return (
    <Frame path={path}>
      <Framed />
    </Frame>
  );
}

/** Over the page, so that what was typed on it stays. */
function SignInAgain() {
  const leave = (): void => {
    ended.value = false;
    void signOut().catch(() => undefined);
  };
  return (
    <Dialog title={t("다시 로그인해 주세요", "Sign in again")} onClose={leave}>
      <p class="quiet">
        {t(
          "로그인이 만료되었습니다. 로그인하면 하던 일이 이어집니다.",
          "Your sign-in has expired. You will continue where you were.",
        )}
      </p>
      <LoginForm onDone={() => undefined} />
    </Dialog>
  );
}
