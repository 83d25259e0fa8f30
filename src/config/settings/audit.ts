import { age, ageForm } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** How rows and objects are compared. */
export const AUDIT_SETTINGS = defineSettings({
  grace: {
    group: 'audit',
    names: ['AUDIT_GRACE'],
    flag: 'grace',
    schema: age,
    fallback: '24h',
    form: ageForm,
    about: 'Age up to which a row may lack its object and an object its row.',
  },
});
