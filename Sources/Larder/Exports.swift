// Users import `Larder` alone: the columns, the contract and what the stores make public come with it.
@_exported import LarderColumns
@_exported import LarderContract
@_exported import LarderOffline
@_exported import LarderOnline
