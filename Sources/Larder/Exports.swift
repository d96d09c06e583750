// Users import `Larder` alone: the columns, the contract and the online store come with it.
@_exported import LarderColumns
@_exported import LarderContract
@_exported import LarderOnline
