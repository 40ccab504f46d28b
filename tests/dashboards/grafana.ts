// SPDX-License-Identifier: Apache-2.0
// A dashboard as @grafana/schema has it, and as a JSON file can say it.
//
// The package types a panel's options as "some record"; here each kind of
// panel gets those of its plug-in.  Prometheus' queries are not in the
// package: theirs are the words that Grafana's data source reads.
import type * as dash from '@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen';
import type * as bars from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as heat from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as lines from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as states from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';

// An enum of words is those words in a file; one of numbers stays itself.
type Json<T> = unknown extends T ? unknown
	: T extends string ? `${T}`
	: T extends object ? { [K in keyof T]: Json<T[K]> }
	: T;

interface Query {
	refId: string;
	expr: string;
	legendFormat: string;
	instant?: true;
	range?: true;
	format?: 'time_series' | 'table' | 'heatmap';
	exemplar?: true;
}

interface Link {
	title: string;
	url: string;
	targetBlank: boolean;
}

type Known = 'type' | 'options' | 'fieldConfig' | 'targets' | 'title' |
	'description' | 'gridPos' | 'id';

type Panel<Kind, Options, Custom> = Omit<dash.Panel, Known> & {
	type: Kind;
	id: number;
	title: string;
	description: string;
	gridPos: dash.GridPos;
	options: Options;
	fieldConfig: {
		defaults: Omit<dash.FieldConfig, 'custom' | 'links'> & {
			custom?: Custom;
			links?: Link[];
		};
		overrides: dash.FieldConfigSource['overrides'];
	};
	targets: Query[];
};

type Text = Omit<dash.Panel, 'type' | 'options'> & {
	type: 'text';
	options: text.Options;
};

type None = Record<string, never>;

type AnyPanel = dash.RowPanel | Text |
	Panel<'bargauge', bars.Options, None> |
	Panel<'heatmap', heat.Options, heat.FieldConfig> |
	Panel<'stat', stat.Options, None> |
	Panel<'state-timeline', states.Options, states.FieldConfig> |
	Panel<'table', table.Options, Partial<table.FieldConfig>> |
	Panel<'timeseries', lines.Options, lines.FieldConfig>;

interface Annotation extends dash.AnnotationQuery {
	expr: string;
	titleFormat: string;
}

export type Dashboard = Json<Omit<dash.Dashboard, 'panels' | 'annotations'> & {
	uid: string;
	title: string;
	panels: AnyPanel[];
	annotations: { list: Annotation[] };
}>;
