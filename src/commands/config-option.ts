/** `--config`, the same for every command. */
import { Option } from 'commander'

const defaultConfigPath = '/etc/watchpost/watchpost.yaml'

export const configOption = (): Option =>
  new Option('-c, --config <file>', 'the settings file').default(defaultConfigPath).env('WATCHPOST_CONFIG')
