"""Paths of the services.  Only messages are generated; handlers take and give raw bytes.  Pure."""

UPLINK_SERVICE = "yujing.v1.Uplink"
UPLINK_STREAM = "/yujing.v1.Uplink/Stream"

STATUS_SERVICE = "yujing.v1.StatusService"
STATUS_LIST_SITES = "/yujing.v1.StatusService/ListSites"
STATUS_GET_SITE = "/yujing.v1.StatusService/GetSite"
STATUS_WATCH = "/yujing.v1.StatusService/WatchStatus"

HISTORY_SERVICE = "yujing.v1.HistoryService"
HISTORY_QUERY = "/yujing.v1.HistoryService/Query"
HISTORY_COMPLETENESS = "/yujing.v1.HistoryService/Completeness"

LEAD_SERVICE = "yujing.v1.LeadService"
LEAD_LIST = "/yujing.v1.LeadService/ListLeads"
