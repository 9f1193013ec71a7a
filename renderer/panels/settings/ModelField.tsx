/** A choice among models of the library, which requests know by name. */
import type { ModelCard } from '../../../preload/models.ts';
import type { ModelRef } from '../../../preload/request.ts';
import { SelectField } from '../../ui/fields.tsx';

interface ModelFieldProps {
  readonly label: string;
  readonly models: readonly ModelCard[];
  readonly value: ModelRef | null | undefined;
  /** What stands for no model. */
  readonly placeholder?: string;
  readonly onChange: (model: ModelRef | null) => void;
}

export function ModelField({ models, value, onChange, ...field }: ModelFieldProps) {
  return (
    <SelectField
      {...field}
      value={value?.name ?? ''}
      options={models.map(({ ref, name }) => ({ value: ref.name, label: name }))}
      onChange={(name) => onChange(models.find(({ ref }) => ref.name === name)?.ref ?? null)}
    />
  );
}
