/** Every filter of the history: the chips beside it are its shortcuts. */
import { Popover } from '@mantine/core';
import { IconAdjustmentsHorizontal } from '@tabler/icons-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { Facet } from '../../../preload/models.ts';
import { setFilter, useHistory } from '../../stores/history.ts';
import { SelectField } from '../../ui/fields.tsx';

export function FilterMenu() {
  const { t } = useTranslation();
  return (
    <Popover position="bottom-end" width={272} trapFocus withinPortal transitionProps={{ duration: 80 }}>
      <Popover.Target>
        <button type="button" className="chip" aria-label={t('history.filters')} title={t('history.filters')}>
          <IconAdjustmentsHorizontal size={12} aria-hidden />
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <Filters />
      </Popover.Dropdown>
    </Popover>
  );
}

function Filters() {
  const { t } = useTranslation();
  const filter = useHistory((state) => state.filter);
  const facets = useHistory((state) => state.facets);
  const one = (values: readonly string[]) => (values.length === 1 ? values[0]! : '');
  const list = (value: string) => (value === '' ? [] : [value]);
  const options = (values: readonly Facet[] = []) =>
    values.map(({ value, count }) => ({ value, label: `${value} (${count})` }));
  return (
    <div className="stack" style={{ gap: 10 }}>
      <SelectField
        label={t('checkpoint')}
        value={one(filter.models)}
        placeholder={t('history.any')}
        options={options(facets?.models)}
        onChange={(value) => setFilter({ models: list(value) })}
      />
      <SelectField
        label="LoRA"
        value={one(filter.loras)}
        placeholder={t('history.any')}
        options={options(facets?.loras)}
        onChange={(value) => setFilter({ loras: list(value) })}
      />
      <div className="row">
        <SelectField
          label={t('rating')}
          value={String(filter.minRating)}
          options={[0, 1, 2, 3, 4, 5].map((stars) => ({
            value: String(stars),
            label: stars === 0 ? t('history.any') : `★ ${stars}+`,
          }))}
          onChange={(value) => setFilter({ minRating: Number(value) })}
        />
        <SelectField
          label={t('history.kind')}
          value={one(filter.kinds)}
          placeholder={t('history.any')}
          options={(facets?.kinds ?? []).map(({ value }) => ({ value, label: t(`kind.${value}`) }))}
          onChange={(value) => setFilter({ kinds: list(value) as typeof filter.kinds })}
        />
        <DateField label={t('history.from')} value={filter.from} onChange={(from) => setFilter({ from })} />
        <DateField label={t('history.to')} value={filter.to} endOfDay onChange={(to) => setFilter({ to })} />
      </div>
      <SelectField
        label={t('history.sort')}
        value={filter.sort}
        options={(['newest', 'oldest', 'rating'] as const).map((value) => ({
          value,
          label: t(`sort.${value}`),
        }))}
        onChange={(sort) => setFilter({ sort })}
      />
    </div>
  );
}

const DAY = 24 * 3600 * 1000;
const two = (value: number) => String(value).padStart(2, '0');
/** A moment as the date field writes it, in the reader's own time. */
function dateOf(moment: number | undefined): string {
  if (moment === undefined) return '';
  const date = new Date(moment);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function DateField({
  label,
  value,
  endOfDay = false,
  onChange,
}: {
  readonly label: string;
  /** Milliseconds. */
  readonly value: number | undefined;
  readonly endOfDay?: boolean;
  readonly onChange: (value: number | undefined) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <span className="field-label">
        <label htmlFor={id}>{label}</label>
      </span>
      <input
        id={id}
        type="date"
        className="input"
        value={dateOf(value)}
        onChange={({ currentTarget }) => {
          const start = new Date(`${currentTarget.value}T00:00`).getTime();
          onChange(Number.isNaN(start) ? undefined : start + (endOfDay ? DAY - 1 : 0));
        }}
      />
    </div>
  );
}
