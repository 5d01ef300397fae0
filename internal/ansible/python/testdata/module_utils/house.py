KEY = "from the house"
