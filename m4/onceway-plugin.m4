# OW_PLUGINS(LIST)
#
# LIST is a file of automake lines `include plugins/NAME/plugin.am`, the one
# place that knows which plugins exist. Each gets an option
#   --with-plugin-NAME=yes     linked into the program
#                      shared  a module in $(pkglibdir)  [the default]
#                      no      not built
# and the conditional PLUGIN_NAME_SHARED. Its sources are compiled once, with
# $(NAME_ENTRY): where it is linked in, its entry has a name of its own.
AC_DEFUN([OW_PLUGINS], [
OW_PLUGIN_SUMMARY=
OW_BUILTIN=
OW_BUILTIN_LIBS=
m4_foreach_w([ow_name],
	m4_esyscmd([sed -n 's|^include plugins/\([a-z0-9_]*\)/plugin.am$|\1|p' $1 | tr '\n' ' ']),
	[OW_PLUGIN(ow_name)])
AC_SUBST([OW_BUILTIN_LIBS])
AC_CONFIG_COMMANDS([core/plugin/builtin.inc],
	[mkdir -p core/plugin
	 : >core/plugin/builtin.inc.new
	 for ow_builtin in $OW_BUILTIN; do
		echo "OW_BUILTIN($ow_builtin)" >>core/plugin/builtin.inc.new
	 done
	 if cmp -s core/plugin/builtin.inc.new core/plugin/builtin.inc; then
		rm -f core/plugin/builtin.inc.new
	 else
		mv -f core/plugin/builtin.inc.new core/plugin/builtin.inc
	 fi],
	[OW_BUILTIN="$OW_BUILTIN"])
])

AC_DEFUN([OW_PLUGIN], [
AC_ARG_WITH([plugin-]m4_translit([$1], [_], [-]),
	[AS_HELP_STRING([--with-plugin-]m4_translit([$1], [_], [-])[=yes|shared|no],
		[link in, build as a module (default) or leave out plugin $1])],
	[ow_with="$withval"], [ow_with=shared])
AS_CASE(["$ow_with"], [yes|shared|no], [],
	[AC_MSG_ERROR([--with-plugin-]m4_translit([$1], [_], [-])[ must be yes, shared or no, not "$ow_with"])])
AM_CONDITIONAL([PLUGIN_]m4_toupper([$1])[_SHARED], [test "x$ow_with" = xshared])
m4_toupper([$1])[_ENTRY]=
AS_IF([test "x$ow_with" = xyes], [
	m4_toupper([$1])[_ENTRY]=-DOW_MODULE_SYMBOL=ow_module_$1
	OW_BUILTIN="$OW_BUILTIN $1"
	OW_BUILTIN_LIBS="$OW_BUILTIN_LIBS plugins/$1/lib$1.la"])
AC_SUBST(m4_toupper([$1])[_ENTRY])
OW_PLUGIN_SUMMARY="$OW_PLUGIN_SUMMARY $1=$ow_with"
])
