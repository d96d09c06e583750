"""The commands that kills are tried on, by the names that cases have."""
from maintenance import (
    Compact, CompactAll, CompactCold, Expire, Forget, ForgetShop, ForgetUnknown, ForgetPushed, ForgetFirst,
    ImportAgain, PutAgain, Rollback, Vacuum, Backup, Repair, Tag, TagBase, Untag, Drop, DropPlaces)
from defining import (
    ApplyBase, ApplyAdd, ApplyRename, ApplyWiden, ApplyDrop, ApplyView)
from writing import (
    Import, ImportNew, ImportNewTwo, ImportOld, ImportMany, ImportVisits, ImportPlaces, ImportNews, Replace,
    Put, PutVisits, Materialize, MaterializeOne)

COMMANDS = {
    "import-new": ImportNew, "import-new-2": ImportNewTwo, "import-old": ImportOld, "import": Import,
    "import-many": ImportMany, "import-visits": ImportVisits, "import-places": ImportPlaces,
    "import-news": ImportNews, "replace": Replace, "import-again": ImportAgain, "put": Put,
    "put-visits": PutVisits, "put-again": PutAgain,
    "materialize": Materialize, "materialize-one": MaterializeOne, "compact": Compact,
    "compact-all": CompactAll, "compact-cold": CompactCold, "expire": Expire, "forget": Forget,
    "forget-shop": ForgetShop, "forget-unknown": ForgetUnknown, "forget-pushed": ForgetPushed,
    "forget-first": ForgetFirst,
    "rollback": Rollback, "vacuum": Vacuum, "backup": Backup, "repair": Repair, "tag": Tag,
    "tag-base": TagBase, "untag": Untag, "drop": Drop, "drop-places": DropPlaces,
    "apply-base": ApplyBase, "apply-add": ApplyAdd, "apply-rename": ApplyRename,
    "apply-widen": ApplyWiden, "apply-drop": ApplyDrop, "apply-view": ApplyView}
