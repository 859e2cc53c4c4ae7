{{- define "padlock.name" -}}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{- end }}
{{- define "padlock.labels" -}}
app.kubernetes.io/name: padlock-watch
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "padlock.selector" -}}
app.kubernetes.io/name: padlock-watch
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
