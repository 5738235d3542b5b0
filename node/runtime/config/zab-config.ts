/** What of a peer's configuration concerns the Zab core, in the core's terms. */
import type { ZabConfig } from '../../core/zab/context.ts';
import { configText, quorumVerifierOf } from './config-text.ts';
import type { PeerConfig } from './peer-config.ts';

/** How long an election holds a quorum of equal votes open for a better one, as ZooKeeper does. */
const FINALIZE_WAIT_MS = 200;

export function zabConfigOf(config: PeerConfig): ZabConfig {
  return {
    sid: config.sid,
    isObserver: config.isObserver,
    verifier: quorumVerifierOf(config),
    configText: configText(config),
    tickTimeMs: config.tickTimeMs,
    initLimitTicks: config.initLimitTicks,
    syncLimitTicks: config.syncLimitTicks,
    connectLimitTicks: config.connectToLearnerMasterLimitTicks,
    notificationMinMs: config.minNotificationIntervalMs,
    notificationMaxMs: config.maxNotificationIntervalMs,
    finalizeWaitMs: FINALIZE_WAIT_MS,
  };
}
