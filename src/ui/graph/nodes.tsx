/** How a workload, a collapsed namespace and the frame of an open one look. */
import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import { memo } from 'react';
import type { ViewNode } from '../../mesh/graph/view.ts';
import { Icon, Lock } from '../icons.tsx';
import { countWords, dataplaneWords, namespaceLabel, nodeWords, plural } from '../words.ts';

export type WorkloadFlowNode = Node<{ readonly node: ViewNode; readonly found: boolean }, 'workload'>;
export type NamespaceFlowNode = Node<
  { readonly node: ViewNode; readonly found: boolean; readonly open: () => void },
  'namespace'
>;
export type FrameFlowNode = Node<{ readonly namespace: string; readonly close: () => void }, 'frame'>;
export type FlowNode = WorkloadFlowNode | NamespaceFlowNode | FrameFlowNode;

function Ends() {
  return (
    <>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </>
  );
}

export const WorkloadBox = memo(function WorkloadBox({ data, selected }: NodeProps<WorkloadFlowNode>) {
  const { node, found } = data;
  const { workload } = node;
  const plane = dataplaneWords[workload?.dataplane ?? ''] ?? '';
  return (
    <div className={`box workload state-${node.state} ${selected ? 'selected' : ''} ${found ? 'found' : ''}`}>
      <Ends />
      <Lock state={node.state} size={22} />
      <div className="box-text">
        <strong title={node.label}>{node.label}</strong>
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
      <Ends />
      <div className="box-head">
        <Lock state={node.state} size={22} />
        <div className="box-text">
          <strong title={node.label}>{node.label}</strong>
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

export const NamespaceFrame = memo(function NamespaceFrame({ data }: NodeProps<FrameFlowNode>) {
  return (
    <div className="frame">
      <div className="frame-head">
        <span className="frame-kind">namespace</span>
        <strong>{namespaceLabel(data.namespace)}</strong>
        <button
          type="button"
          className="quiet nodrag nopan"
          onClick={data.close}
          aria-label={`Collapse namespace ${namespaceLabel(data.namespace)}`}
          title="Collapse"
        >
          <Icon name="fold" size={16} />
        </button>
      </div>
    </div>
  );
});
