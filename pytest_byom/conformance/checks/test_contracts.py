"""A user's own contracts (`byom_contracts`): the plugin puts a check here for each of them."""
