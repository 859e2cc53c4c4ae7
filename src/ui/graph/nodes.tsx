/** How a workload, a collapsed namespace and the frame of an open one look. */
import type { Node, NodeProps } from '@xyflow/react';
import { memo } from 'react';
import type { ViewNode } from '../../mesh/graph/view.ts';
import { Icon, Lock } from '../icons.tsx';
import { countWords, dataplaneWords, namespaceLabel, nodeWords, plural } from '../words.ts';
import { titleLook } from './title.ts';
import { useScreenPixel } from './zoom-level.tsx';

export type WorkloadFlowNode = Node<{ readonly node: ViewNode; readonly found: boolean }, 'workload'>;
export type NamespaceFlowNode = Node<
  { readonly node: ViewNode; readonly found: boolean; readonly open: () => void },
  'namespace'
>;
/** The ground of an open namespace. */
export type FrameFlowNode = Node<{ readonly namespace: string; readonly close: () => void }, 'frame'>;
/** Its name, above the lines that cross it. */
export type TitleFlowNode = Node<FrameFlowNode['data'], 'title'>;
export type FlowNode = WorkloadFlowNode | NamespaceFlowNode | FrameFlowNode | TitleFlowNode;

/** Shorter ones fit at every size. */
const fits = 11;

function Name({ label }: { readonly label: string }) {
  return label.length > fits ? (
    <strong className="long" title={label}>
      {label}
    </strong>
  ) : (
    <strong>{label}</strong>
  );
}

export const WorkloadBox = memo(function WorkloadBox({ data, selected }: NodeProps<WorkloadFlowNode>) {
  const { node, found } = data;
  const { workload } = node;
  const plane = dataplaneWords[workload?.dataplane ?? ''] ?? '';
  return (
    <div className={`box workload state-${node.state} ${selected ? 'selected' : ''} ${found ? 'found' : ''}`}>
      <Lock state={node.state} size={22} />
      <div className="box-text">
        <Name label={node.label} />
        <span>
          {plane !== 'sidecar'
            ? plane
            : workload?.ports.length === 0
              ? 'serves no port'
              : nodeWords[node.state]}
        </span>
      </div>
    </div>
  );
});

export const NamespaceBox = memo(function NamespaceBox({ data, selected }: NodeProps<NamespaceFlowNode>) {
  const { node, found, open } = data;
  const members = node.members ?? { mtls: 0, mixed: 0, plaintext: 0, unknown: 0 };
  const total = members.mtls + members.mixed + members.plaintext + members.unknown;
  return (
    <div
      className={`box namespace state-${node.state} ${selected ? 'selected' : ''} ${found ? 'found' : ''}`}
    >
      <div className="box-head">
        <Lock state={node.state} size={22} />
        <div className="box-text">
          <Name label={node.label} />
          <span>{plural(total, 'workload')}</span>
        </div>
        <button
          type="button"
          className="quiet nodrag nopan"
          onClick={open}
          aria-label={`Open namespace ${node.label}`}
          title="Open"
        >
          <Icon name="unfold" size={16} />
        </button>
      </div>
      <Share members={members} total={total} />
      <span className="inside">
        {node.inside === undefined ? 'no calls inside' : countWords(node.inside)}
      </span>
    </div>
  );
});

function Share({
  members,
  total,
}: {
  readonly members: Readonly<Record<string, number>>;
  readonly total: number;
}) {
  const states = ['mtls', 'mixed', 'plaintext', 'unknown'] as const;
  let at = 0;
  return (
    <svg className="share" viewBox="0 0 200 6" preserveAspectRatio="none" aria-hidden="true">
      {states.map((state) => {
        const width = total === 0 ? 0 : (200 * (members[state] ?? 0)) / total;
        const x = at;
        at += width;
        return <rect key={state} className={`share-${state}`} x={x} width={width} height={6} />;
      })}
    </svg>
  );
}

export const NamespaceFrame = memo(function NamespaceFrame() {
  return <div className="frame" />;
});

/** Keeps its size on the screen, as long as there is room. */
export const NamespaceTitle = memo(function NamespaceTitle({ data, width = 0 }: NodeProps<TitleFlowNode>) {
  const pixel = useScreenPixel();
  const label = namespaceLabel(data.namespace);
  const { size, lines } = titleLook(label, width, 14 * pixel);
  return (
    <div className="frame-head">
      <strong className={lines === 2 ? 'two-lines' : ''} style={{ fontSize: size }}>
        {label}
      </strong>
      <button
        type="button"
        className="quiet nodrag nopan"
        onClick={data.close}
        aria-label={`Collapse namespace ${label}`}
        title="Collapse"
      >
        <Icon name="fold" size={16} />
      </button>
    </div>
  );
});
