// What a direction of RFC 3264 5.1 lets us do with RTP.

import type { MediaPlan } from '../sdp/plan.ts';

export const receives = ({ direction }: MediaPlan): boolean => direction === 'sendrecv' || direction === 'recvonly';
export const sends = ({ direction }: MediaPlan): boolean => direction === 'sendrecv' || direction === 'sendonly';
