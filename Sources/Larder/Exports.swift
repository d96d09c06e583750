// Users import `Larder` alone: the columns and the contract come with it.
@_exported import LarderColumns
@_exported import LarderContract
