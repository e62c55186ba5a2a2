import { element } from './element.js';
import { Kept } from './kept.js';

/** What happens to the text that the reader types. */
export interface ComposeHandlers {
  readonly onSubmit: (text: string) => void;
  readonly onInput: () => void;
}

/** The form to write messages with. This tab keeps what is typed into it across reloads, for each room. */
export class ComposeForm {
  readonly #form = element('compose', HTMLFormElement);
  readonly #field = element('text', HTMLTextAreaElement);
  #draft: Kept | undefined;

  constructor({ onSubmit, onInput }: ComposeHandlers) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = this.#field.value.trim();
      if (text === '') return;
      this.#field.value = '';
      this.#keep();
      this.#field.focus();
      onSubmit(text);
    });
    this.#field.addEventListener('keydown', (event) => {
      // During input with an input method editor, Enter accepts a suggestion.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    this.#field.addEventListener('input', () => {
      this.#keep();
      if (this.#field.value.trim() !== '') onInput();
    });
  }

  /** Shows what was typed in that room. */
  open(room: string): void {
    this.#draft = new Kept(() => sessionStorage, `draft-${room}`);
    this.#field.value = this.#draft.text;
    this.#field.focus();
  }

  #keep(): void {
    if (this.#draft) this.#draft.text = this.#field.value;
  }
}
